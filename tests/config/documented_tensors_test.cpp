// The tensors in docs/model.md are those of the code: names, and shapes as formulas of the configuration.
#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "config/sample.h"
#include "config/tensor_list.h"
#include "support/paths.h"

namespace nestor::config {
namespace {

using Letters = std::map<std::string, std::int64_t>;

// A sum of products such as "A (D + P)" or "H / T"; factors stand side by side.
class Formula {
 public:
  Formula(const std::string& text, const Letters& letters) : letters_(letters) {
    static const std::regex word(R"([A-Za-z_]+|\d+|[()+/])");
    for (auto at = std::sregex_iterator(text.begin(), text.end(), word); at != std::sregex_iterator(); ++at)
      words_.push_back(at->str());
    words_.emplace_back();
  }
  std::int64_t value() {
    std::int64_t sum = product();
    while (words_[at_] == "+") {
      ++at_;
      sum += product();
    }
    return sum;
  }

 private:
  std::int64_t product() {
    std::int64_t result = factor();
    while (!words_[at_].empty() && words_[at_] != "+" && words_[at_] != ")") {
      const bool divide = words_[at_] == "/";
      if (divide) ++at_;
      const std::int64_t next = factor();
      EXPECT_TRUE(!divide || result % next == 0);
      result = divide ? result / next : result * next;
    }
    return result;
  }
  std::int64_t factor() {
    const std::string& word = words_[at_++];
    if (word != "(") return std::isdigit(word[0]) != 0 ? std::stoll(word) : letters_.at(word);
    const std::int64_t inside = value();
    ++at_;
    return inside;
  }

  const Letters& letters_;
  std::vector<std::string> words_;
  std::size_t at_ = 0;
};

// name -> shape of the rows | `model.x` | [V, H] |.
std::map<std::string, std::string> documented() {
  static const std::regex row(R"(\| `((?:model\.|lm_head)[^`]*)` \| \[([^\]]*)\] \|)");
  std::map<std::string, std::string> shapes;
  std::ifstream page(testing::docs_folder() / "model.md");
  std::smatch match;
  for (std::string line; std::getline(page, line);) {
    if (std::regex_match(line, match, row)) shapes[match[1]] = match[2];
  }
  return shapes;
}

std::string with_letters(std::string name) {
  const auto replace = [&](const char* pattern, const char* by) {
    name = std::regex_replace(name, std::regex(pattern), by);
  };
  replace(R"(^model\.layers\.\d+)", "model.layers.n");
  replace(R"((layers\.n\.(self_attn|mlps|input_layernorm|post_attention_layernorm))\.\d+)", "$1.s");
  replace(R"(experts\.\d+)", "experts.j");
  replace(R"((embedders|post_projs)\.\d+)", "$1.i");
  return name;
}

std::vector<std::int64_t> shape_of(const std::string& text, const Letters& letters) {
  std::vector<std::int64_t> shape;
  std::istringstream sides(text);
  for (std::string side; std::getline(sides, side, ',');) shape.push_back(Formula(side, letters).value());
  return shape;
}

TEST(DocumentedTensors, AreThoseOfTheCode) {
  const auto page = documented();
  std::set<std::string> met;
  const ModelConfig c = read_config(testing::golden_folder("lite_small") / "config.json");
  Letters letters = {{"V", c.vocab_size},
                     {"H", c.hidden_size},
                     {"T", c.ngram->tables()},
                     {"A", c.num_attention_heads},
                     {"Q", c.q_lora_rank},
                     {"C", c.kv_lora_rank},
                     {"D", c.qk_nope_head_dim},
                     {"P", c.qk_rope_head_dim},
                     {"W", c.v_head_dim},
                     {"F", c.ffn_hidden_size},
                     {"I", c.expert_ffn_hidden_size},
                     {"E", c.n_routed_experts},
                     {"Z", c.zero_expert_num}};
  for_each_tensor(c, {.draft = NameLayout::Draft::present}, [&](const TensorInfo& tensor) {
    const std::string name = with_letters(tensor.name);
    met.insert(name);
    ASSERT_TRUE(page.contains(name)) << name;
    if (tensor.slot.part == Part::ngram_table) letters["M_i"] = c.ngram->rows(tensor.slot.index);
    const std::vector<std::int64_t> shape(tensor.shape.begin(), tensor.shape.begin() + tensor.rank);
    EXPECT_EQ(shape_of(page.at(name), letters), shape) << tensor.name;
  });
  for (const auto& [name, shape] : page) EXPECT_TRUE(met.contains(name)) << name;
}

TEST(DocumentedTensors, FormulasAreComputed) {
  const Letters letters = {{"A", 3}, {"D", 5}, {"M_i", 7}};
  EXPECT_EQ(shape_of("A (D + 2 A), M_i", letters), (std::vector<std::int64_t>{33, 7}));
  EXPECT_EQ(shape_of("D A / A + 1", letters), (std::vector<std::int64_t>{6}));
  EXPECT_EQ(with_letters("model.layers.12.mlps.1.up_proj.weight"), "model.layers.n.mlps.s.up_proj.weight");
}

}  // namespace
}  // namespace nestor::config
