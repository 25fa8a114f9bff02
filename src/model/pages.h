// Pages of the latent cache: equal blocks of memory with reference counts, so that sequences can share a
// prefix.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/aligned_memory.h"

namespace nestor::model {

/// Memory grows page by page as sequences do and is reused after. Not thread-safe.
class PagePool {
 public:
  using PageId = std::uint32_t;

  PagePool(std::int64_t page_bytes, std::int64_t most_pages)
      : page_bytes_(page_bytes), most_pages_(most_pages) {}

  std::int64_t page_bytes() const { return page_bytes_; }
  std::int64_t most_pages() const { return most_pages_; }
  std::int64_t pages_in_use() const;

  /// A page with one reference, aligned to 64 bytes; contents undefined. Error(limit) if all pages are in
  /// use, Error(busy) if there is no memory for another.
  PageId allocate();
  void retain(PageId page) { ++references_[page]; }
  void release(PageId page);
  bool shared(PageId page) const { return references_[page] > 1; }
  std::uint8_t* data(PageId page) { return memory_[page].get(); }

 private:
  std::int64_t page_bytes_;
  std::int64_t most_pages_;
  std::vector<std::unique_ptr<std::uint8_t, AlignedFree>> memory_;
  std::vector<std::uint32_t> references_;
  std::vector<PageId> free_;
};

}  // namespace nestor::model
