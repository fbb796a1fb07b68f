// Pseudonyms for customer ids.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace clvsim {

// HMAC-SHA-256 (RFC 2104, FIPS 180-4) of an id under a secret key, as the 32 hexadecimal digits of its first 128 bits.
class Pseudonymiser {
 public:
  explicit Pseudonymiser(std::string_view key);
  ~Pseudonymiser();
  // Valid until the next call.
  std::string_view operator()(std::string_view id);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace clvsim
