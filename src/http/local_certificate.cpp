#include "http/local_certificate.h"

#include <algorithm>
#include <ctime>
#include <memory>
#include <optional>
#include <set>
#include <string_view>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "base/file.h"
#include "base/wipe.h"

namespace faceforge::http {
namespace {

constexpr size_t kMaxFile_bytes = 65'536;
constexpr int64_t kDay_ms = 86'400'000;
constexpr int64_t kClockSkew_s = 3'600;  ///< of clients whose clock is slow

template <auto kFree>
struct Freeing {
  void operator()(auto* thing) const { kFree(thing); }
};
using Key = std::unique_ptr<EVP_PKEY, Freeing<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freeing<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freeing<X509_EXTENSION_free>>;
using Bytes = std::unique_ptr<BIO, Freeing<BIO_free>>;

Unexpected openssl_failure(std::string_view what) {
  char words[256];
  ERR_error_string_n(ERR_get_error(), words, sizeof words);
  return fail(ErrorCode::Internal, "certificate_failed", "cannot {}: {}", what, words);
}

bool is_address(const std::string& name) {
  in6_addr any{};
  return inet_pton(AF_INET, name.c_str(), &any) == 1 ||
         inet_pton(AF_INET6, name.c_str(), &any) == 1;
}

/// Letters, digits, dots and hyphens: nothing that means something in a list of names.
bool is_host_name(std::string_view name) {
  return !name.empty() && name.size() <= 253 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-';
  });
}

/// Only of IPv4: IPv6 addresses change by the day on purpose (RFC 8981), and a certificate that is
/// made anew must be trusted anew.
std::optional<std::string> address_text(const sockaddr* address) {
  if (address == nullptr || address->sa_family != AF_INET) return std::nullopt;
  char text[INET_ADDRSTRLEN];
  const auto& bytes = reinterpret_cast<const sockaddr_in*>(address)->sin_addr;
  if (inet_ntop(AF_INET, &bytes, text, sizeof text) == nullptr) return std::nullopt;
  return text;
}

TlsFiles files_in(const std::filesystem::path& folder) {
  return {.certificate_chain = folder / "certificate.pem", .private_key = folder / "key.pem"};
}

// --- reading ---

Bytes reader(std::string_view text) {
  return Bytes(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Certificate read_certificate(const std::filesystem::path& file) {
  const auto text = read_text_file(file, kMaxFile_bytes);
  return Certificate(text ? PEM_read_bio_X509(reader(*text).get(), nullptr, nullptr, nullptr)
                          : nullptr);
}

/// A key that has a pass phrase is none of ours: nobody is asked for it.
int no_pass_phrase(char*, int, int, void*) {
  return 0;
}

/// out: nothing where there is no file, or one that holds no key
/// fails: as read_text_file, but for not_found
Result<Key> read_key(const std::filesystem::path& file) {
  auto text = read_text_file(file, kMaxFile_bytes);
  if (!text && text.error().code == ErrorCode::NotFound) return Key();
  if (!text) return Unexpected(std::move(text).error());
  const WipedAtEnd wiped(*text);
  return Key(PEM_read_bio_PrivateKey(reader(*text).get(), nullptr, no_pass_phrase, nullptr));
}

UnixTime_ms expiry_of(const X509& certificate) {
  std::tm end{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(&certificate), &end) != 1) return 0;
  return UnixTime_ms{timegm(&end)} * 1'000;
}

std::string fingerprint_of(const X509& certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  X509_digest(&certificate, EVP_sha256(), digest, &length);
  std::string text;
  for (unsigned int i = 0; i < length; ++i) {
    text += fmt::format("{}{:02X}", i == 0 ? "" : ":", digest[i]);
  }
  return text;
}

bool is_for(X509& certificate, const std::string& name) {
  if (is_address(name)) return X509_check_ip_asc(&certificate, name.c_str(), 0) == 1;
  return X509_check_host(&certificate, name.c_str(), name.size(), 0, nullptr) == 1;
}

bool is_good(X509& certificate, EVP_PKEY& key, std::span<const std::string> names,
             UnixTime_ms now_ms) {
  return X509_check_private_key(&certificate, &key) == 1 &&
         expiry_of(certificate) - now_ms > kLocalCertificateRenewalDays * kDay_ms &&
         std::ranges::all_of(names, [&](const auto& name) { return is_for(certificate, name); });
}

// --- making ---

bool add_extension(X509& certificate, int kind, const std::string& value) {
  const Extension extension(X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()));
  return extension && X509_add_ext(&certificate, extension.get(), -1) == 1;
}

bool set_names(X509& certificate, std::span<const std::string> names) {
  std::string all;
  for (const std::string& name : names) {
    all += fmt::format("{}{}:{}", all.empty() ? "" : ",", is_address(name) ? "IP" : "DNS", name);
  }
  X509_NAME* const subject = X509_get_subject_name(&certificate);
  const std::string_view title = "FaceForge (this server's own)";
  return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                    reinterpret_cast<const unsigned char*>(title.data()),
                                    static_cast<int>(title.size()), -1, 0) == 1 &&
         X509_set_issuer_name(&certificate, subject) == 1 &&
         add_extension(certificate, NID_subject_alt_name, all);
}

bool set_serial_number(X509& certificate) {
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof bytes) != 1) return false;
  bytes[0] &= 0x7F;  // positive
  const std::unique_ptr<BIGNUM, Freeing<BN_free>> number(BN_bin2bn(bytes, sizeof bytes, nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(&certificate)) != nullptr;
}

Result<Certificate> make_certificate(EVP_PKEY& key, std::span<const std::string> names,
                                     UnixTime_ms now_ms) {
  Certificate made(X509_new());
  const std::time_t now = now_ms / 1'000;
  const bool complete =
      made && X509_set_version(made.get(), X509_VERSION_3) == 1 && set_serial_number(*made) &&
      ASN1_TIME_set(X509_getm_notBefore(made.get()), now - kClockSkew_s) != nullptr &&
      ASN1_TIME_set(X509_getm_notAfter(made.get()),
                    now + kLocalCertificateDays * kDay_ms / 1'000) != nullptr &&
      X509_set_pubkey(made.get(), &key) == 1 && set_names(*made, names) &&
      add_extension(*made, NID_basic_constraints, "critical,CA:FALSE") &&
      add_extension(*made, NID_key_usage, "critical,digitalSignature") &&
      add_extension(*made, NID_ext_key_usage, "serverAuth") &&
      X509_sign(made.get(), &key, EVP_sha256()) != 0;
  if (!complete) return openssl_failure("make a certificate");
  return made;
}

Result<void> write(const std::filesystem::path& file, const auto& write_pem) {
  const Bytes memory(BIO_new(BIO_s_mem()));
  if (!memory || write_pem(memory.get()) != 1) return openssl_failure("write " + file.string());
  char* text = nullptr;
  const auto size = BIO_get_mem_data(memory.get(), &text);
  return write_file_atomically(file, std::string_view(text, static_cast<size_t>(size)));
}

}  // namespace

std::vector<std::string> names_of_this_machine() {
  std::vector<std::string> names{"localhost"};
  char host[256] = {};
  const bool is_named = gethostname(host, sizeof host - 1) == 0 && is_host_name(host);
  if (is_named && names.front() != host) names.emplace_back(host);
  std::set<std::string> addresses{"127.0.0.1", "::1"};
  ifaddrs* interfaces = nullptr;
  if (getifaddrs(&interfaces) == 0) {
    const std::unique_ptr<ifaddrs, Freeing<freeifaddrs>> owned(interfaces);
    for (const ifaddrs* one = interfaces; one != nullptr; one = one->ifa_next) {
      if ((one->ifa_flags & IFF_UP) == 0) continue;
      if (auto address = address_text(one->ifa_addr)) addresses.insert(*std::move(address));
    }
  }
  names.insert(names.end(), addresses.begin(), addresses.end());
  return names;
}

std::optional<LocalCertificate> find_local_certificate(const std::filesystem::path& folder) {
  const TlsFiles files = files_in(folder);
  const auto key = read_key(files.private_key);
  const Certificate certificate = read_certificate(files.certificate_chain);
  if (!key || !*key || !certificate) return std::nullopt;
  if (X509_check_private_key(certificate.get(), key->get()) != 1) return std::nullopt;
  return LocalCertificate{.files = files,
                          .fingerprint = fingerprint_of(*certificate),
                          .expires_ms = expiry_of(*certificate)};
}

Result<LocalCertificate> local_certificate(const std::filesystem::path& folder,
                                           std::span<const std::string> names, UnixTime_ms now_ms) {
  TRY(make_private_folder(folder));
  const TlsFiles files = files_in(folder);
  std::vector<std::string> wanted(names.begin(), names.end());
  std::erase_if(wanted, [](const auto& name) { return !is_address(name) && !is_host_name(name); });
  Key key = TRY(read_key(files.private_key));
  Certificate certificate = read_certificate(files.certificate_chain);
  const bool is_new = !key || !certificate || !is_good(*certificate, *key, wanted, now_ms);
  if (!key) {
    key.reset(EVP_EC_gen("P-256"));
    if (!key) return openssl_failure("make a key");
    TRY(write(files.private_key, [&](BIO* to) {
      return PEM_write_bio_PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    }));
  }
  if (is_new) {
    certificate = TRY(make_certificate(*key, wanted, now_ms));
    TRY(write(files.certificate_chain,
              [&](BIO* to) { return PEM_write_bio_X509(to, certificate.get()); }));
  }
  return LocalCertificate{.files = files,
                          .fingerprint = fingerprint_of(*certificate),
                          .expires_ms = expiry_of(*certificate),
                          .is_new = is_new};
}

}  // namespace faceforge::http
