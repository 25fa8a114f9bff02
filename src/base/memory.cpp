#include "base/memory.h"

#include <fmt/format.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace nestor {
namespace {

namespace fs = std::filesystem;

// Not told: far above any machine, far below where sums overflow.
constexpr std::uint64_t kUnknown = std::uint64_t{1} << 60;

std::uint64_t number_in(const fs::path& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  return file >> value ? value : UINT64_MAX;  // "max": no limit
}

// What the two versions of control groups call the same things.
struct Groups {
  fs::path root;
  std::string_view line;  // how the line of /proc/self/cgroup begins, after the number, up to the path
  const char* limit;
  const char* used;
  const char* files;  // in memory.stat
};

// Where the process is below the root, such as "/user.slice/job"; "/" if nothing tells.
fs::path group_of_process(std::string_view line_start) {
  std::ifstream lines("/proc/self/cgroup");
  for (std::string line; std::getline(lines, line);) {
    const std::string_view rest = std::string_view(line).substr(line.find(':') + 1);
    if (rest.starts_with(line_start)) return fs::path(rest.substr(line_start.size()));
  }
  return "/";
}

// What one group leaves.
void apply_limit(const Groups& groups, const fs::path& group, SystemMemory& memory) {
  const std::uint64_t limit = number_in(group / groups.limit);
  const std::uint64_t used = number_in(group / groups.used);
  if (limit == UINT64_MAX || used == UINT64_MAX) return;
  // Pages of files count as used, and are given back when they are in the way.
  const std::uint64_t files = value_of(group / "memory.stat", groups.files);
  const std::uint64_t kept = used - std::min(used, files);
  memory.total = std::min(memory.total, limit);
  memory.available = std::min(memory.available, limit - std::min(limit, kept));
}

// The limits of all groups around the process hold; in a container the outermost that it sees is its own.
void apply_limits(const Groups& groups, SystemMemory& memory) {
  fs::path group = groups.root;
  apply_limit(groups, group, memory);
  for (const fs::path& part : group_of_process(groups.line).relative_path()) {
    group /= part;
    apply_limit(groups, group, memory);
  }
}

}  // namespace

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

SystemMemory system_memory() {
  const fs::path meminfo = "/proc/meminfo";
  SystemMemory memory{value_of(meminfo, "MemTotal:") * 1024, value_of(meminfo, "MemAvailable:") * 1024};
  if (memory.total == 0 || memory.available == 0) memory = {kUnknown, kUnknown};
  apply_limits({"/sys/fs/cgroup", ":", "memory.max", "memory.current", "file"}, memory);
  apply_limits(
      {"/sys/fs/cgroup/memory", "memory:", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_cache"},
      memory);
  return memory;
}

void give_back_memory() {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

std::string bytes_text(std::uint64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (value >= 1e9) return fmt::format("{:.2f} GB", value / 1e9);
  if (value >= 1e6) return fmt::format("{:.1f} MB", value / 1e6);
  return fmt::format("{:.1f} kB", value / 1e3);
}

}  // namespace nestor
