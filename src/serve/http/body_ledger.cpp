#include "serve/http/body_ledger.h"

#include <algorithm>
#include <utility>

namespace nestor::serve {

std::uint64_t BodyLedger::open(std::string client, std::function<void()> give_way) {
  bodies_.emplace(next_, Body{.client = std::move(client), .give_way = std::move(give_way)});
  return next_++;
}

bool BodyLedger::fits(const std::string& client) const {
  return of_client_.at(client) <= limits_.client && bytes_ <= limits_.all;
}

void BodyLedger::add(std::uint64_t account, std::size_t bytes) {
  const auto body = bodies_.find(account);
  if (body == bodies_.end() || bytes == 0) return;
  const std::string client = body->second.client;
  body->second.bytes += bytes;
  bytes_ += bytes;
  of_client_[client] += bytes;
  while (bodies_.contains(account) && !fits(client)) {
    const bool own = of_client_.at(client) > limits_.client;
    auto oldest = std::ranges::find_if(bodies_, [&](const auto& entry) {
      const Body& other = entry.second;
      return entry.first != account && other.give_way && other.bytes > 0 && (!own || other.client == client);
    });
    const auto ends = oldest == bodies_.end() ? account : oldest->first;
    const auto give_way = std::exchange(bodies_.at(ends).give_way, nullptr);
    close(ends);
    if (give_way) give_way();
  }
}

void BodyLedger::complete(std::uint64_t account) {
  if (const auto body = bodies_.find(account); body != bodies_.end()) body->second.give_way = nullptr;
}

void BodyLedger::close(std::uint64_t account) {
  const auto body = bodies_.find(account);
  if (body == bodies_.end()) return;
  bytes_ -= body->second.bytes;
  const auto client = of_client_.find(body->second.client);
  if (client != of_client_.end() && (client->second -= body->second.bytes) == 0) of_client_.erase(client);
  bodies_.erase(body);
}

}  // namespace nestor::serve
