#include "http/multipart.h"

#include <algorithm>
#include <chrono>
#include <random>

#include <gtest/gtest.h>

#include "http/header_value.h"
#include "support/cpu_time.h"

namespace faceforge::http {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string reason_of(std::string_view body, const MultipartLimits& limits = {}) {
  const auto parts = parse_multipart(bytes_of(body), "XX", limits);
  return parts ? "" : parts.error().reason;
}

std::string part(std::string_view name, std::string_view content) {
  return fmt::format(
      "--XX\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"f.jpg\"\r\n"
      "Content-Type: image/jpeg\r\n\r\n{}\r\n",
      name, content);
}

TEST(Multipart, ReadsWhatCurlAndBrowsersSend) {
  // Captured from curl 7.88 (`curl -F photo=@a.jpg -F note=hi`), its file shortened.
  const std::string body =
      "--------------------------64a1b1d2a3f2e91c\r\n"
      "Content-Disposition: form-data; name=\"photo\"; filename=\"a.jpg\"\r\n"
      "Content-Type: image/jpeg\r\n\r\n"
      "\xff\xd8\r\n--\r\n\r\n"
      "--------------------------64a1b1d2a3f2e91c\r\n"
      "Content-Disposition: form-data; name=\"note\"\r\n\r\n"
      "hi\r\n"
      "--------------------------64a1b1d2a3f2e91c--\r\n";
  const auto parts = parse_multipart(bytes_of(body), "------------------------64a1b1d2a3f2e91c");
  ASSERT_TRUE(parts) << parts.error().message;
  ASSERT_EQ(parts->size(), 2U);
  EXPECT_EQ((*parts)[0].name, "photo");
  EXPECT_EQ((*parts)[0].file_name, "a.jpg");
  EXPECT_EQ(text_of((*parts)[0].bytes), "\xff\xd8\r\n--\r\n");
  EXPECT_EQ((*parts)[1].name, "note");
  EXPECT_FALSE((*parts)[1].file_name);
  EXPECT_EQ(text_of((*parts)[1].bytes), "hi");
}

TEST(Multipart, ReadsEmptyPartsAndFormsWithoutParts) {
  const auto empty = parse_multipart(bytes_of(part("photo", "") + "--XX--\r\n"), "XX");
  ASSERT_TRUE(empty) << empty.error().message;
  EXPECT_EQ(empty->at(0).bytes.size(), 0U);
  const auto none = parse_multipart(bytes_of("--XX--\r\n"), "XX");
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
}

TEST(Multipart, ReadsNamesAsBrowsersEscapeThem) {
  const auto file_name = [](std::string_view written) {
    const std::string body = fmt::format(
        "--XX\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"{}\"\r\n\r\n\r\n--XX--",
        written);
    const auto parts = parse_multipart(bytes_of(body), "XX");
    return parts ? parts->at(0).file_name.value() : parts.error().message;
  };
  EXPECT_EQ(file_name("a%22b.jpg"), "a\"b.jpg");
  EXPECT_EQ(file_name("a\\\"b.jpg"), "a\"b.jpg");
  EXPECT_EQ(file_name("C:\\photos\\me.jpg"), "me.jpg");
  EXPECT_EQ(file_name("../../etc/passwd"), "passwd");
  EXPECT_EQ(file_name("\xf0\x9f\x98\x80; x.jpg"), "\xf0\x9f\x98\x80; x.jpg");
}

TEST(Multipart, RefusesEveryOtherForm) {
  EXPECT_EQ(reason_of(""), "multipart_malformed");
  EXPECT_EQ(reason_of("preamble\r\n" + part("photo", "x") + "--XX--"), "multipart_malformed");
  EXPECT_EQ(reason_of(part("photo", "x")), "multipart_malformed");           // no end
  EXPECT_EQ(reason_of(part("photo", "x") + "--XX"), "multipart_malformed");  // half an end
  EXPECT_EQ(reason_of(part("photo", "x") + "--XX--more"), "multipart_malformed");
  EXPECT_EQ(reason_of("--XX\r\n\r\nx\r\n--XX--"), "multipart_malformed");  // no disposition
  EXPECT_EQ(reason_of("--XX\r\nContent-Disposition: form-data\r\n\r\nx\r\n--XX--"),
            "multipart_malformed");  // no name
  EXPECT_EQ(reason_of("--XX\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\nx\r\n--XX--"),
            "multipart_malformed");
  EXPECT_EQ(reason_of("--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n"
                      "Content-Disposition: form-data; name=\"b\"\r\n\r\nx\r\n--XX--"),
            "multipart_malformed");
  EXPECT_EQ(
      reason_of("--XX\r\nContent-Disposition: form-data; name=\"a\"; name=\"b\"\r\n\r\n\r\n--XX--"),
      "multipart_malformed");
  EXPECT_EQ(reason_of("--XX\r\nno colon\r\n\r\nx\r\n--XX--"), "multipart_malformed");
  EXPECT_EQ(reason_of(part(std::string(101, 'n'), "x") + "--XX--"), "multipart_malformed");
  EXPECT_EQ(reason_of("--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n"
                      "Content-Transfer-Encoding: base64\r\n\r\nx\r\n--XX--"),
            "multipart_transfer_encoding");
}

TEST(Multipart, BoundsPartsAndTheirHeaders) {
  std::string body;
  for (int i = 0; i < 51; ++i) body += part("photo", "x");
  EXPECT_EQ(reason_of(body + "--XX--"), "");
  EXPECT_EQ(reason_of(body + part("photo", "x") + "--XX--"), "multipart_too_many_parts");
  EXPECT_EQ(reason_of("--XX\r\nX-Long: " + std::string(10'000, 'h') + "\r\n\r\nx\r\n--XX--"),
            "multipart_header_too_large");
}

TEST(Multipart, FindsTheBoundaryInAContentType) {
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=abc").value(), "abc");
  EXPECT_EQ(multipart_boundary("Multipart/Form-Data; charset=x; boundary=\"a b\"").value(), "a b");
  EXPECT_EQ(multipart_boundary(std::nullopt).error().reason, "not_multipart");
  EXPECT_EQ(multipart_boundary("application/json").error().reason, "not_multipart");
  EXPECT_EQ(multipart_boundary("multipart/form-data").error().reason, "multipart_boundary");
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=").error().reason, "not_multipart");
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=\"\"").error().reason,
            "multipart_boundary");
  EXPECT_EQ(
      multipart_boundary("multipart/form-data; boundary=" + std::string(71, 'b')).error().reason,
      "multipart_boundary");
}

TEST(Multipart, SurvivesTwentyThousandMutationsAndNeverLooksOutsideTheBody) {
  const std::string original =
      part("photo", "\xff\xd8 pixels \xff\xd9") + part("note", "--X") + "--XX--\r\n";
  std::mt19937 random(20'261'122);
  const std::string alphabet = "\r\n-X:;=\"\\ %2\xff";
  for (int round = 0; round < 20'000; ++round) {
    std::string body = original;
    for (unsigned change = 0; change <= random() % 8; ++change) {
      const size_t position = random() % body.size();
      switch (random() % 4) {
        case 0:
          body[position] = alphabet[random() % alphabet.size()];
          break;
        case 1:
          body.insert(position, 1, alphabet[random() % alphabet.size()]);
          break;
        case 2:
          body.erase(position, 1 + random() % 5);
          break;
        default:
          body += body.substr(position, 40);
      }
      if (body.empty()) body = "-";
    }
    // An exact copy on the heap, so that the address sanitizer sees a step beyond its end.
    const std::vector<char> exact(body.begin(), body.end());
    const auto bytes = std::as_bytes(std::span(exact));
    const auto parts = parse_multipart(bytes, "XX");
    if (!parts) {
      EXPECT_FALSE(parts.error().reason.empty());
      continue;
    }
    for (const Part& found : *parts) {
      EXPECT_GE(found.bytes.data(), bytes.data());
      EXPECT_LE(found.bytes.data() + found.bytes.size(), bytes.data() + bytes.size());
    }
  }
}

TEST(Multipart, IsLinearWhenTheBodyIsMadeOfBeginningsOfTheBoundary) {
  const std::string boundary(70, '-');
  std::string body = "--" + boundary + "\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n";
  body += std::string(20'000'000, '-');
  auto cost = std::chrono::nanoseconds::max();
  for (int round = 0; round < 3; ++round) {
    const auto begin = test::thread_cpu_time();
    EXPECT_FALSE(parse_multipart(bytes_of(body), boundary));
    cost = std::min(cost, test::thread_cpu_time() - begin);
  }
  // Linear is under 0.1 s of processor time; comparing the boundary at every byte takes seconds.
  EXPECT_LT(cost, std::chrono::seconds(1));
}

TEST(HeaderValue, FindsCookies) {
  EXPECT_EQ(cookie_value("a=1; faceforge_session=t0k; b=2", "faceforge_session"), "t0k");
  EXPECT_EQ(cookie_value("faceforge_session=t0k", "faceforge_session"), "t0k");
  EXPECT_EQ(cookie_value("xfaceforge_session=t0k", "faceforge_session"), std::nullopt);
  EXPECT_EQ(cookie_value("", "faceforge_session"), std::nullopt);
  EXPECT_EQ(cookie_value(";;=;", "faceforge_session"), std::nullopt);
}

}  // namespace
}  // namespace faceforge::http
