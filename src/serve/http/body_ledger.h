// Who holds how much memory for request bodies. What has arrived counts, not what was announced: whoever
// announces much and sends nothing takes nothing from others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace nestor::serve {

class BodyLedger {
 public:
  struct Limits {
    std::size_t all;     // bytes of all bodies together
    std::size_t client;  // of those of one client
  };
  explicit BodyLedger(const Limits& limits) : limits_(limits) {}

  /// The account of a body that begins to arrive. `give_way` is called where it has to end to make room; its
  /// account is closed then.
  std::uint64_t open(std::string client, std::function<void()> give_way);

  /// So many bytes of it have come. Where they do not fit, the oldest of the bodies that are still arriving
  /// ends, among those of this client where its share is used up: one that comes at a usual speed is young.
  /// This one ends if there is no other.
  void add(std::uint64_t account, std::size_t bytes);

  /// All of it has come: it does not give way any more.
  void complete(std::uint64_t account);
  /// It is gone. Nothing happens if the account is closed already.
  void close(std::uint64_t account);

  std::size_t bytes() const { return bytes_; }

 private:
  struct Body {
    std::string client;
    std::size_t bytes = 0;
    std::function<void()> give_way;  // of one that is still arriving
  };

  bool fits(const std::string& client) const;

  Limits limits_;
  std::uint64_t next_ = 1;
  std::size_t bytes_ = 0;
  std::map<std::uint64_t, Body> bodies_;  // the oldest first
  std::map<std::string, std::size_t> of_client_;
};

}  // namespace nestor::serve
