#include "packs/promotion.h"

#include "base/file.h"
#include "base/json.h"
#include "packs/internal/packs_lock.h"

namespace faceforge::packs {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFileName = ".promoted.json";  // hidden: it is no pack
constexpr size_t kMaxFileBytes = size_t{64} << 10;

Result<Promotion> promotion_from_json(const json::value& from) {
  if (!from.is_object()) return fail(ErrorCode::Corrupt, "promotions_damaged", "not an object");
  const json::object& fields = from.get_object();
  Promotion promotion;
  promotion.pack_id = TRY(json::string_field(fields, "pack"));
  const std::string model = TRY(json::string_field(fields, "model_id"));
  promotion.model_id = face::ModelId(model);
  promotion.against = TRY(json::string_field(fields, "against"));
  return promotion;
}

Result<std::vector<Promotion>> parse_promotions(std::string_view text) {
  const json::value parsed = TRY(json::parse(text, kMaxFileBytes));
  if (!parsed.is_array()) return fail(ErrorCode::Corrupt, "promotions_damaged", "not an array");
  std::vector<Promotion> promotions;
  for (const json::value& entry : parsed.get_array()) {
    promotions.push_back(TRY(promotion_from_json(entry)));
  }
  return promotions;
}

Result<void> write_promotions(const fs::path& packs_folder, std::vector<Promotion> promotions) {
  if (promotions.size() > kMaxPromotions) {
    promotions.erase(promotions.begin(), promotions.end() - kMaxPromotions);
  }
  json::array entries;
  for (const Promotion& promotion : promotions) {
    entries.push_back(json::object{{"pack", promotion.pack_id},
                                   {"model_id", promotion.model_id.hex()},
                                   {"against", promotion.against}});
  }
  return write_file_atomically(packs_folder / kFileName, json::to_pretty_text(entries));
}

}  // namespace

Result<std::vector<Promotion>> read_promotions(const fs::path& packs_folder) {
  const fs::path file = packs_folder / kFileName;
  const auto text = read_text_file(file, kMaxFileBytes);
  if (!text && text.error().code == ErrorCode::NotFound) return std::vector<Promotion>();
  if (!text) return Unexpected(text.error());
  const auto promotions = parse_promotions(*text);
  if (promotions) return promotions;
  return fail(ErrorCode::Corrupt, "promotions_damaged",
              "{}: {}: remove the file, and the default is the best installed pack again",
              file.string(), promotions.error().message);
}

Result<void> promote(const fs::path& packs_folder, const Promotion& promotion) {
  const PacksLock lock = TRY(PacksLock::take(packs_folder));
  std::vector<Promotion> promotions = TRY(read_promotions(packs_folder));
  promotions.push_back(promotion);
  return write_promotions(packs_folder, std::move(promotions));
}

Result<Promotion> undo_promotion(const fs::path& packs_folder) {
  const auto nothing = [&] {
    return fail(ErrorCode::NotFound, "nothing_promoted", "no pack was promoted in {}",
                packs_folder.string());
  };
  const auto before = TRY(read_promotions(packs_folder));
  if (before.empty()) return nothing();  // without a trace
  const PacksLock lock = TRY(PacksLock::take(packs_folder));
  std::vector<Promotion> promotions = TRY(read_promotions(packs_folder));
  if (promotions.empty()) return nothing();
  const Promotion last = promotions.back();
  promotions.pop_back();
  TRY(write_promotions(packs_folder, std::move(promotions)));
  return last;
}

}  // namespace faceforge::packs
