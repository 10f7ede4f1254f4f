// Status: how an operation ended. A bad declaration is data and never a Status; a Status is a failed operation.
//
// Its kind is also the exit code of the program, so that no table between the two can go wrong.
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <utility>

namespace clearline {

enum class StatusKind : int {
  kOk = 0,
  kUsage = 2,        ///< wrong use
  kInput = 3,        ///< input missing, unreadable, refused or cut short
  kRegistry = 4,     ///< registry missing, damaged or of another version
  kOutput = 5,       ///< output cannot be written
  kPeer = 6,         ///< peer unreachable or refused
  kInterrupted = 7,  ///< stopped by a signal
  kInternal = 70,    ///< a bug
  kConfig = 78,      ///< configuration or policy wrong
};

/// What was tried on what, and what went wrong. Never holds personal data.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}

  bool ok() const { return kind_ == StatusKind::kOk; }
  StatusKind kind() const { return kind_; }
  const std::string& message() const { return message_; }

 private:
  StatusKind kind_ = StatusKind::kOk;
  std::string message_;
};

/// A value, or the Status that says why there is none; asking a Status for its value throws. (g++ 12 has no
/// std::expected.)
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}                                  // NOLINT(google-explicit-constructor)
  Result(Status status) : status_(std::move(status)) { assert(!status_.ok()); }  // NOLINT(google-explicit-constructor)

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  T& operator*() { return value_.value(); }
  const T& operator*() const { return value_.value(); }
  T* operator->() { return &**this; }
  const T* operator->() const { return &**this; }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace clearline
