// Pages of the latent cache: equal blocks of memory with reference counts, so that sequences can share a
// prefix.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace nestor::model {

/// Memory grows page by page as sequences do and is reused after. Not thread-safe.
class PagePool {
 public:
  using PageId = std::uint32_t;

  explicit PagePool(std::int64_t page_bytes) : page_bytes_(page_bytes) {}

  std::int64_t page_bytes() const { return page_bytes_; }
  std::int64_t pages_in_use() const;

  /// A page with one reference; contents undefined. Error(limit) if there is no memory for it.
  PageId allocate();
  void retain(PageId page) { ++references_[page]; }
  void release(PageId page);
  bool shared(PageId page) const { return references_[page] > 1; }
  std::uint8_t* data(PageId page) { return memory_[page].get(); }

 private:
  std::int64_t page_bytes_;
  std::vector<std::unique_ptr<std::uint8_t[]>> memory_;
  std::vector<std::uint32_t> references_;
  std::vector<PageId> free_;
};

}  // namespace nestor::model
