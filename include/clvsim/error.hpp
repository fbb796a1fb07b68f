/// \file
/// The exceptions that clvsim throws; their types and exit codes are API.
#pragma once

#include <stdexcept>
#include <string>

namespace clvsim {

/// Exit codes of the program (README, "Exit codes"). `Error::exit_code` maps an exception to one of them.
enum class ExitCode : int {
  ok = 0,
  internal = 1,       ///< a bug in clvsim
  configuration = 2,  ///< usage, or a configuration file
  data = 3,           ///< input data rejected
  model = 4,          ///< model not estimable, or a self-check failed
  io = 5,             ///< no space, no permission, file not found, output exists
  format = 6,         ///< damaged, unsafe or newer-format file
  device = 7,         ///< GPU failure, or no GPU where one was asked for
  interrupted = 130,
  terminated = 143,
};

/// Base of every exception that clvsim throws on purpose. The message says what, where, why and what to do.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  [[nodiscard]] ExitCode exit_code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

/// A wrong flag, an unknown key, an impossible value.
struct ConfigError : Error {
  explicit ConfigError(const std::string& message) : Error(ExitCode::configuration, message) {}
};
/// Input data that cannot be used as given.
struct DataError : Error {
  explicit DataError(const std::string& message) : Error(ExitCode::data, message) {}
};
/// A model that cannot be estimated from the data, or a run whose self-check failed.
struct ModelError : Error {
  explicit ModelError(const std::string& message) : Error(ExitCode::model, message) {}
};
/// A file that cannot be read or written.
struct IoError : Error {
  explicit IoError(const std::string& message) : Error(ExitCode::io, message) {}
};
/// A clvsim file that is damaged, unsafe, or written by a newer version.
struct FormatError : Error {
  explicit FormatError(const std::string& message) : Error(ExitCode::format, message) {}
};
/// A GPU that is absent, or that failed.
struct DeviceError : Error {
  explicit DeviceError(const std::string& message) : Error(ExitCode::device, message) {}
};

}  // namespace clvsim
