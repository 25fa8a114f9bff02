#include "base/memory.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

namespace nestor {
namespace {

namespace fs = std::filesystem;

// Not told: far above any machine, far below where sums overflow.
constexpr std::uint64_t kUnknown = std::uint64_t{1} << 60;

// The number after `key` in a file of keys and numbers; 0 if there is none.
std::uint64_t value_of(const fs::path& file, const std::string& key) {
  std::ifstream lines(file);
  std::string word;
  std::uint64_t value = 0;
  while (lines >> word) {
    if (word == key && lines >> value) return value;
    lines.clear();
  }
  return 0;
}

std::uint64_t number_in(const fs::path& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  return file >> value ? value : UINT64_MAX;  // "max": no limit
}

}  // namespace

SystemMemory system_memory() {
  const fs::path meminfo = "/proc/meminfo";
  SystemMemory memory{value_of(meminfo, "MemTotal:") * 1024, value_of(meminfo, "MemAvailable:") * 1024};
  if (memory.total == 0 || memory.available == 0) memory = {kUnknown, kUnknown};
  const fs::path group = "/sys/fs/cgroup";
  const std::uint64_t limit = number_in(group / "memory.max");
  const std::uint64_t used = number_in(group / "memory.current");
  if (limit == UINT64_MAX || used == UINT64_MAX) return memory;
  // Pages of files count as used, and are given back when they are in the way.
  const std::uint64_t files = value_of(group / "memory.stat", "file");
  const std::uint64_t kept = used - std::min(used, files);
  memory.total = std::min(memory.total, limit);
  memory.available = std::min(memory.available, limit - std::min(limit, kept));
  return memory;
}

}  // namespace nestor
