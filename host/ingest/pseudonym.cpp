#include "host/ingest/pseudonym.hpp"

#include <clvsim/error.hpp>

#include <openssl/evp.h>

#include <algorithm>
#include <array>

namespace clvsim {
namespace {

constexpr std::size_t block_bytes = 64, digest_bytes = 32, pseudonym_bytes = 16;

void check(int result) {
  if (result != 1)
    throw Error(ExitCode::internal, "libcrypto cannot compute SHA-256; is it restricted on this machine?");
}

struct Context {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  Context() = default;
  ~Context() { EVP_MD_CTX_free(context); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
};

}  // namespace

// The two hash states behind the padded key are made once: an id then costs two compressions.
struct Pseudonymiser::Impl {
  Context inner, outer, work;
  std::array<char, 2 * pseudonym_bytes> text{};
};

Pseudonymiser::Pseudonymiser(std::string_view key) : impl_(std::make_unique<Impl>()) {
  std::array<unsigned char, block_bytes> padded{};
  if (key.size() > block_bytes)
    check(EVP_Digest(key.data(), key.size(), padded.data(), nullptr, EVP_sha256(), nullptr));
  else
    std::copy(key.begin(), key.end(), padded.begin());
  const auto start = [&](EVP_MD_CTX* context, unsigned char pad) {
    std::array<unsigned char, block_bytes> block{};
    std::transform(padded.begin(), padded.end(), block.begin(),
                   [pad](unsigned char c) { return static_cast<unsigned char>(c ^ pad); });
    check(EVP_DigestInit_ex(context, EVP_sha256(), nullptr));
    check(EVP_DigestUpdate(context, block.data(), block.size()));
  };
  start(impl_->inner.context, 0x36);  // RFC 2104: ipad, opad
  start(impl_->outer.context, 0x5c);
}

Pseudonymiser::~Pseudonymiser() = default;

std::string_view Pseudonymiser::operator()(std::string_view id) {
  std::array<unsigned char, digest_bytes> digest{};
  check(EVP_MD_CTX_copy_ex(impl_->work.context, impl_->inner.context));
  check(EVP_DigestUpdate(impl_->work.context, id.data(), id.size()));
  check(EVP_DigestFinal_ex(impl_->work.context, digest.data(), nullptr));
  check(EVP_MD_CTX_copy_ex(impl_->work.context, impl_->outer.context));
  check(EVP_DigestUpdate(impl_->work.context, digest.data(), digest.size()));
  check(EVP_DigestFinal_ex(impl_->work.context, digest.data(), nullptr));
  constexpr char digits[] = "0123456789abcdef";
  for (std::size_t i = 0; i < pseudonym_bytes; ++i) {
    impl_->text[2 * i] = digits[digest[i] >> 4];
    impl_->text[2 * i + 1] = digits[digest[i] & 15];
  }
  return {impl_->text.data(), impl_->text.size()};
}

}  // namespace clvsim
