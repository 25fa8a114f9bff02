#include "fake_programs.h"

#include <filesystem>
#include <fstream>

#include "base/json.h"

namespace nestor::testing {
namespace {

namespace fs = std::filesystem;

// Without waiting for the disk.
void write(const fs::path& file, const std::string& text) { std::ofstream(file) << text; }

// Ten reports on a way down, one evaluation with norms.
std::string metrics(double loss) {
  std::string lines;
  for (int i = 1; i <= 10; ++i) {
    lines += to_text(Json{{"step", 10 * i},
                          {"loss", loss + 3 - 0.3 * i},
                          {"expert_load", 4.5},
                          {"tokens_per_second", 1000.0}}) +
             "\n";
  }
  return lines +
         to_text(Json{{"step", 100},
                      {"heldout_nll_per_token", loss},
                      {"heldout_bits_per_byte", loss / 2},
                      {"norms", {{{"name", "0 attn 0"}, {"branch", 9.0}, {"stream", 0.5}}}}}) +
         "\n";
}

class FakeProcess : public study::Process {
 public:
  FakeProcess(FakePrograms& all, study::ProcessCommand command)
      : all_(all), command_(std::move(command)), left_(all.polls) {
    if (command_.program != study::Program::trainer) {
      ++all_.asked;
      return;
    }
    const Json recipe = read_json(command_.arguments.at(0), 1 << 20);
    name_ = recipe["name"].get<std::string>();
    seed_ = recipe["seed"].get<int>();
    ++all_.trained;
    ++all_.by_name[name_];
    all_.most_at_once = std::max(all_.most_at_once, ++all_.running);
  }
  ~FakeProcess() override { leave(); }

  std::optional<End> end() override {
    if (--left_ > 0) return std::nullopt;
    leave();
    if (interrupted_) return End{130, 0.5};
    if (command_.program == study::Program::trainer) {
      // A folder that an earlier process damaged.
      const bool spoilt = fs::exists(fs::path(command_.arguments.at(2)) / "spoilt");
      write(command_.err, "nestor: error: out of luck\n");
      if (spoilt || all_.fails(name_, seed_)) return End{1, 0.5};
      fs::create_directories(command_.arguments.at(2));
      write(fs::path(command_.arguments.at(2)) / "metrics.jsonl", metrics(all_.loss(name_, seed_)));
    } else {
      write(command_.out, R"({"acc":0.25,"acc_norm":0.5,"questions":10})");
    }
    return End{0, 2};
  }
  void interrupt() override { interrupted_ = true; }

 private:
  void leave() {
    if (!name_.empty() && !left_already_) --all_.running;
    left_already_ = true;
  }

  FakePrograms& all_;
  study::ProcessCommand command_;
  int left_;
  std::string name_;
  int seed_ = 0;
  bool interrupted_ = false, left_already_ = false;
};

}  // namespace

study::StartProcess FakePrograms::start() {
  return
      [this](const study::ProcessCommand& command) { return std::make_unique<FakeProcess>(*this, command); };
}

}  // namespace nestor::testing
