#include "chat/default_template.h"

namespace nestor::chat {

std::string_view default_template() {
  return R"jinja(
{%- macro text_of(content) -%}
  {%- if content is string -%}
    {{- content -}}
  {%- elif content is sequence -%}
    {%- for part in content -%}
      {%- if part.type != 'text' -%}
        {{- raise_exception('this template takes only parts of type text, not ' ~ part.type) -}}
      {%- endif -%}
      {{- part.text -}}
    {%- endfor -%}
  {%- elif content is defined and content is not none -%}
    {{- raise_exception('the content of a message must be text or a list of parts') -}}
  {%- endif -%}
{%- endmacro -%}
{%- macro tool_call(call) -%}
  {%- set function = call.function if call.function is defined else call -%}
  {{- '<longcat_tool_call>' ~ function.name ~ '\n' -}}
  {%- if function.arguments is mapping -%}
    {%- for key, value in function.arguments.items() -%}
      {{- '<longcat_arg_key>' ~ key ~ '</longcat_arg_key>\n<longcat_arg_value>' -}}
      {{- value if value is string else value | tojson -}}
      {{- '</longcat_arg_value>\n' -}}
    {%- endfor -%}
  {%- elif function.arguments -%}
    {{- raise_exception('the arguments of a tool call must be an object') -}}
  {%- endif -%}
  {{- '</longcat_tool_call>' -}}
{%- endmacro -%}
{%- set has_system = messages and messages[0].role == 'system' -%}
{%- if tools -%}
  {{- '<longcat_system>' -}}
  {%- if has_system -%}{{- text_of(messages[0].content) ~ '\n\n' -}}{%- endif -%}
  {{- '# Tools\nOne JSON object per line:\n' -}}
  {%- for tool in tools -%}
    {{- (tool.function if tool.function is defined else tool) | tojson ~ '\n' -}}
  {%- endfor -%}
  {{- '\nTo call a tool, answer with one block per call:\n' -}}
  {{- '<longcat_tool_call>{function-name}\n<longcat_arg_key>{key}</longcat_arg_key>\n' -}}
  {{- '<longcat_arg_value>{value}</longcat_arg_value>\n</longcat_tool_call>' -}}
{%- endif -%}
{%- for message in messages -%}
  {%- if message.role == 'system' -%}
    {%- if not (tools and loop.first) -%}{{- '<longcat_system>' ~ text_of(message.content) -}}{%- endif -%}
  {%- elif message.role == 'user' -%}
    {{- '<longcat_user>' ~ text_of(message.content) -}}
  {%- elif message.role == 'assistant' -%}
    {{- '<longcat_assistant>' ~ text_of(message.content) -}}
    {%- for call in message.tool_calls or [] -%}
      {{- '\n' if message.content or not loop.first -}}
      {{- tool_call(call) -}}
    {%- endfor -%}
    {{- '</longcat_s>' -}}
  {%- elif message.role == 'tool' -%}
    {%- set follows = loop.previtem is defined and loop.previtem.role == 'tool' -%}
    {{- ('\n' if follows else '<longcat_observation>') ~ text_of(message.content) -}}
  {%- else -%}
    {{- raise_exception('unknown role: ' ~ message.role) -}}
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<longcat_assistant>' -}}{%- endif -%}
)jinja";
}

}  // namespace nestor::chat
