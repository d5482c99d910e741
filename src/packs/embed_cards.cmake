# Writes the cards of models/ into a C++ source, so that the program needs no file beside it.
#   cmake -D OUTPUT=known_card_texts.cpp -D "CARDS=a/card.json|b/card.json" -P embed_cards.cmake
string(REPLACE "|" ";" cards "${CARDS}")
set(texts "")
set(count 0)
foreach(card IN LISTS cards)
  file(READ "${card}" text)
  string(APPEND texts "    R\"card(${text})card\",\n")
  math(EXPR count "${count} + 1")
endforeach()
file(WRITE "${OUTPUT}"
"// Written by src/packs/embed_cards.cmake from models/*/card.json: change those.
#include \"packs/internal/known_card_texts.h\"

#include <array>

namespace faceforge::packs {
namespace {

constexpr std::array<std::string_view, ${count}> kTexts = {{
${texts}}};

}  // namespace

std::span<const std::string_view> known_card_texts() {
  return kTexts;
}

}  // namespace faceforge::packs
")
