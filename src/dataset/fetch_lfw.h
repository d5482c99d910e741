#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/download.h"

namespace faceforge::dataset {

struct FetchOptions {
  std::filesystem::path output = {};       ///< a folder that is not there yet
  std::optional<std::string> sha256 = {};  ///< of the archive, where it is known
  net::AllowedAddresses allowed_addresses = net::AllowedAddresses::PublicOnly;
  bool dry_run = false;  ///< only look at what is there
  std::function<void(std::string_view phase, uint64_t done_bytes, uint64_t total_bytes)> report =
      {};
  std::stop_token stop = {};
  const std::atomic<bool>* cancelled = nullptr;  ///< the same wish, as net::download takes it
};

struct FetchReport {
  std::string sha256;                          ///< of the archive; empty in a dry run of a URL
  std::optional<std::string_view> known_as{};  ///< `lfw.tgz` where it is one that is known
  size_t person_count = 0;
  size_t photo_count = 0;
};

/// Gets Labeled Faces in the Wild, or any `.tar.gz` of `PERSON/PHOTO`, from a URL or a file, and
/// unpacks it into a folder of people. An archive that bears the name of a known one must be it.
///
/// A download that breaks off is resumed by the next call: it lies beside the folder, as
/// `OUTPUT.tgz.part`, and is removed once it is unpacked.
///
/// fails:  already_exists/folder_exists; as net::download (whose guard lets only public addresses
///         be asked) and archive::extract_tar; corrupt/sha256_mismatch;
///         invalid_input/sha256_invalid; invalid_input/no_people_in_archive; cancelled/cancelled or
///         cancelled/download_cancelled
/// source: Huang et al. 2007, "Labeled Faces in the Wild"; sums as scikit-learn publishes them
///         (sklearn/datasets/_lfw.py)
[[nodiscard]] Result<FetchReport> fetch_lfw(const std::string& url_or_file,
                                            const FetchOptions& options);

}  // namespace faceforge::dataset
