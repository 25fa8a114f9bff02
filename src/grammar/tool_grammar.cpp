// Grammars of tool calls in LongCat's form:
//   <longcat_tool_call>NAME\n
//   <longcat_arg_key>KEY</longcat_arg_key>\n<longcat_arg_value>VALUE</longcat_arg_value>\n ...
//   </longcat_tool_call>
// with the line breaks shown as \n and no others. A value whose schema says {"type": "string"} is text as it
// stands, without white space on either side, since readers strip it; all others are JSON. No value holds
// "</longcat_".

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "base/error.h"
#include "base/json.h"
#include "grammar/grammar.h"
#include "grammar/json_terms.h"
#include "grammar/schema_compiler.h"

namespace nestor::grammar {
namespace {

constexpr std::string_view kForbidden = "</longcat_";

class ToolTerms {
 public:
  explicit ToolTerms(TermBuilder& builder) : builder_(builder), json_(builder, text_without(kForbidden)) {}

  TermId call(const Json& function, const std::string& where) {
    const Work::At at(builder_.work(), where);
    const auto name = function.find("name");
    if (name == function.end() || !name->is_string())
      fail(ErrorKind::bad_input, "{}.name: expected a text", where);
    const std::string text = name->get<std::string>();
    check_written(text, where + ".name");
    return builder_.sequence({builder_.marker("<longcat_tool_call>"), builder_.literal(text + "\n"),
                              arguments(function, where + ".parameters"),
                              builder_.marker("</longcat_tool_call>")});
  }

 private:
  // What stands between markers is stripped and found again by its text.
  void check_written(const std::string& text, const std::string& where) const {
    static constexpr std::string_view kBlanks = " \t\n\r\v\f";
    const bool outer_blank = text.empty() || kBlanks.find(text.front()) != std::string_view::npos ||
                             kBlanks.find(text.back()) != std::string_view::npos;
    if (outer_blank || text.find('\n') != std::string::npos || text.find("longcat_") != std::string::npos) {
      fail(ErrorKind::unsupported, "{}: {} cannot be written in a tool call", where, in_quotes(text));
    }
  }

  TermId arguments(const Json& function, const std::string& where) {
    const auto parameters = function.find("parameters");
    if (parameters == function.end() || parameters->is_null()) return builder_.sequence({});
    SchemaCompiler compiler(*parameters, builder_, json_);
    const std::optional<Json> joined = compiler.schema().joined(*parameters, where);
    const Json& schema = joined ? *joined : *parameters;
    if (!schema.is_object()) fail(ErrorKind::unsupported, "{}: expected an object with properties", where);
    for (const auto& [keyword, value] : schema.items()) {
      const bool known = keyword == "properties" || keyword == "required" ||
                         keyword == "additionalProperties" || (keyword == "type" && value == "object") ||
                         is_annotation(keyword);
      if (!known) {
        fail(ErrorKind::unsupported, "{}: the keyword {} is not supported for all arguments together", where,
             in_quotes(keyword));
      }
    }
    const TermId out = pairs(schema, compiler, where);
    compiler.compile_references();
    return out;
  }

  TermId pairs(const Json& schema, SchemaCompiler& compiler, const std::string& where) {
    const Json none = Json::object(), no_names = Json::array();
    const auto properties = schema.find("properties");
    const auto required = schema.find("required");
    const Json& declared = properties == schema.end() ? none : *properties;
    const Json& names = required == schema.end() ? no_names : *required;
    if (!declared.is_object()) fail(ErrorKind::bad_input, "{}.properties: expected an object", where);
    if (!names.is_array()) fail(ErrorKind::bad_input, "{}.required: expected a list of names", where);
    std::unordered_set<std::string_view> known, needed;
    for (const auto& [name, property] : declared.items()) known.insert(name);
    for (const Json& name : names) {
      const auto* text = name.get_ptr<const Json::string_t*>();
      if (text == nullptr || !known.contains(*text)) {
        fail(ErrorKind::unsupported, "{}.required: {} is not among the properties", where,
             in_quotes(to_text(name)));
      }
      needed.insert(*text);
    }
    std::vector<TermId> out;
    for (const auto& [name, property] : declared.items()) {
      const std::string place = place_in(where + ".properties.", name);
      check_written(name, place);
      const TermId pair =
          builder_.sequence({builder_.marker("<longcat_arg_key>"), builder_.literal(name),
                             builder_.marker("</longcat_arg_key>"), builder_.literal("\n"),
                             builder_.marker("<longcat_arg_value>"), value(property, compiler, place),
                             builder_.marker("</longcat_arg_value>"), builder_.literal("\n")});
      out.push_back(needed.contains(name) ? pair : builder_.optional(pair));
    }
    return builder_.sequence(std::move(out));
  }

  TermId value(const Json& schema, SchemaCompiler& compiler, const std::string& where) {
    const bool text = schema.is_object() && schema.contains("type") && schema.at("type") == "string";
    if (!text) return compiler.compile(schema, where);
    for (const char* keyword : {"anyOf", "oneOf", "allOf", "$ref"}) {
      if (!schema.contains(keyword)) continue;
      fail(ErrorKind::unsupported, "{}: {} beside \"type\": \"string\" is not supported for an argument",
           where, keyword);
    }
    compiler.schema().check(schema, where);
    return plain_value(schema, compiler, where);
  }

  TermId plain_value(const Json& schema, SchemaCompiler& compiler, const std::string& where) {
    Work& work = builder_.work();
    const CharDfa anywhere = intersection(text_without(kForbidden), text_without_outer_blanks(), work);
    const auto automaton = plain_text(intersection(compiler.text_of(schema, where), anywhere, work), work);
    if (!automaton) return builder_.never();
    const auto values = SchemaCompiler::listed_values(schema, where);
    if (!values) return builder_.leaf(*automaton);
    std::vector<TermId> choices;
    for (const Json& value : *values) {
      const std::string text = value.is_string() ? value.get<std::string>() : "";
      if (value.is_string() && automaton->matches(text)) choices.push_back(builder_.literal(text));
    }
    return builder_.choice(std::move(choices));
  }

  TermBuilder& builder_;
  JsonTerms json_;
};

}  // namespace

std::shared_ptr<const Grammar> Grammar::tool_calls(const Json& tools, const ToolChoice& choice,
                                                   const Effort& effort) {
  if (!tools.is_array() || tools.empty())
    fail(ErrorKind::bad_input, "tools: expected a list of tools to choose from");
  if (choice.max_calls < 1)
    fail(ErrorKind::usage, "at least one tool call is wanted, found {}", choice.max_calls);
  Work work(effort);
  TermBuilder builder(work);
  ToolTerms terms(builder);
  std::vector<TermId> calls;
  for (std::size_t i = 0; i < tools.size(); ++i) {
    const auto function = tools[i].is_object() ? tools[i].find("function") : tools[i].end();
    if (function == tools[i].end() || !function->is_object()) {
      fail(ErrorKind::bad_input, "tools[{}].function: expected an object", i);
    }
    if (choice.name && (!function->contains("name") || function->at("name") != *choice.name)) continue;
    calls.push_back(terms.call(*function, fmt::format("tools[{}].function", i)));
  }
  if (calls.empty()) fail(ErrorKind::not_found, "no tool is called {}", in_quotes(choice.name.value_or("")));
  const TermId call = builder.choice(std::move(calls));
  const auto further = static_cast<std::uint32_t>(std::min<std::int64_t>(choice.max_calls, 1'000) - 1);
  const TermId root =
      builder.sequence({call, builder.repeat(builder.sequence({builder.literal("\n"), call}), 0, further)});
  return std::make_shared<const Grammar>(builder.build(root));
}

}  // namespace nestor::grammar
