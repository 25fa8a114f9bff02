#include "model/pages.h"

#include "base/error.h"

namespace nestor::model {

std::int64_t PagePool::pages_in_use() const {
  return static_cast<std::int64_t>(memory_.size()) - static_cast<std::int64_t>(free_.size());
}

PagePool::PageId PagePool::allocate() {
  if (!free_.empty()) {
    const PageId page = free_.back();
    free_.pop_back();
    references_[page] = 1;
    return page;
  }
  if (pages_in_use() >= most_pages_) {
    fail(ErrorKind::limit,
         "all {} pages of {} bytes of the latent cache are in use; allow it more memory, or use a smaller "
         "--ctx",
         most_pages_, page_bytes_);
  }
  std::unique_ptr<std::uint8_t, AlignedFree> memory(
      static_cast<std::uint8_t*>(allocate_aligned(static_cast<std::size_t>(page_bytes_))));
  if (memory == nullptr) {
    fail(ErrorKind::busy, "no memory for another page of {} bytes of the latent cache; use a smaller --ctx",
         page_bytes_);
  }
  // All that can fail comes first, so that the lists stay equally long and release() cannot fail.
  references_.reserve(memory_.size() + 1);
  free_.reserve(memory_.size() + 1);
  memory_.push_back(std::move(memory));
  references_.push_back(1);
  return static_cast<PageId>(memory_.size() - 1);
}

void PagePool::release(PageId page) {
  if (--references_[page] == 0) free_.push_back(page);
}

}  // namespace nestor::model
