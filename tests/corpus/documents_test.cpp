// Documents of text files, JSON lines and .xz files; what is refused, and where the message says it is.
#include "corpus/documents.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <fstream>
#include <semaphore>
#include <thread>

#include "base/json.h"
#include "packed_text.h"
#include "support/refusal.h"
#include "support/scratch_folder.h"

namespace nestor::testing {
namespace {

using corpus::DocumentReader;
using corpus::ReadOptions;
using corpus::TextFormat;

class Documents : public ::testing::Test {
 protected:
  std::vector<std::string> read(const std::string& bytes, TextFormat format,
                                const ReadOptions& options = {}) {
    const std::string path = scratch_.write("file", bytes).string();
    DocumentReader reader({path, format, bytes.size()}, options, {});
    std::vector<std::string> texts;
    groups_.clear();
    for (corpus::Document d; reader.next(d);) {
      texts.push_back(d.text);
      groups_.push_back(d.group);
    }
    EXPECT_EQ(reader.consumed(), bytes.size());
    return texts;
  }
  std::vector<std::string> text(const std::string& bytes, const ReadOptions& options = {}) {
    return read(bytes, TextFormat::text, options);
  }
  std::vector<std::string> json(const std::string& bytes, const ReadOptions& options = {}) {
    return read(bytes, TextFormat::jsonl, options);
  }

  ScratchFolder scratch_;
  std::vector<std::string> groups_;
};

using Texts = std::vector<std::string>;

ReadOptions separated_by(const std::string& line) {
  ReadOptions options;
  options.separator = line;
  return options;
}

ReadOptions at_most(std::int64_t bytes) {
  ReadOptions options;
  options.max_document_bytes = bytes;
  return options;
}

std::string joined(const Texts& texts) {
  std::string all;
  for (const std::string& text : texts) all += text;
  return all;
}

TEST_F(Documents, ATextFileIsOneDocumentByteForByte) {
  const std::string bytes("a\r\n\0b \n\n\f", 9);
  EXPECT_EQ(text(bytes), Texts{bytes});
  EXPECT_EQ(text(""), Texts{});
  EXPECT_EQ(text("\xEF\xBB\xBFx"), Texts{"x"});
  EXPECT_EQ(text("x\xEF\xBB\xBF"), Texts{"x\xEF\xBB\xBF"});
  EXPECT_EQ(text("\xEF\xBB\xBF"), Texts{});
}

TEST_F(Documents, SeparatorsAreWholeLines) {
  EXPECT_EQ(text("a\n%\nb\n%\n", separated_by("%")), (Texts{"a\n", "b\n"}));
  EXPECT_EQ(text("%\na%\n%b\n %\n%\r\nc\n%", separated_by("%")), (Texts{"", "a%\n%b\n %\n", "c\n"}));
  EXPECT_EQ(text("a\n%%\nb", separated_by("%")), Texts{"a\n%%\nb"});
  EXPECT_REFUSED(text("a", separated_by("%\n")), ErrorKind::usage, "expected one");
}

TEST_F(Documents, SeparatorsAreFoundWhereverTheReadingBreaks) {
  // Around the 256 KiB that are read at once.
  for (std::size_t before = (1U << 18) - 8; before < (1U << 18) + 3; ++before) {
    const std::string first = std::string(before - 1, 'x') + "\n";
    EXPECT_EQ(text(first + "----\ny",
                   [] {
                     ReadOptions options = at_most(1 << 20);
                     options.separator = "----";
                     return options;
                   }()),
              (Texts{first, "y"}))
        << before;
  }
}

TEST_F(Documents, LongTextsAreCutAtParagraphsLinesOrCharacters) {
  EXPECT_EQ(text("0123456789\n\nabcdefgh", at_most(16)), (Texts{"0123456789\n\n", "abcdefgh"}));
  EXPECT_EQ(text("0123456789\nabcdefgh", at_most(16)), (Texts{"0123456789\n", "abcdefgh"}));
  EXPECT_EQ(text("0\n\n3456789abcdefgh", at_most(16)), (Texts{"0\n\n3456789abcdef", "gh"}));
  // A character of two bytes on the border stays whole.
  EXPECT_EQ(text("0123456789abcde\xC3\xA9z", at_most(16)), (Texts{"0123456789abcde", "\xC3\xA9z"}));
  std::string prose;
  for (int i = 0; i < 3000; ++i)
    prose += fmt::format("line {} \xE2\x82\xAC{}", i, i % 7 == 0 ? "\n\n" : i % 3 == 0 ? "\n" : " ");
  for (const std::int64_t most : {16, 17, 100, 1000, 1 << 20}) {
    const Texts texts = text(prose, at_most(most));
    EXPECT_EQ(joined(texts), prose);
    for (const std::string& part : texts) EXPECT_LE(std::ssize(part), most);
    EXPECT_EQ(joined(json(to_text(Json{{"text", prose}}), at_most(most))), prose);
  }
  EXPECT_REFUSED(text("x", at_most(15)), ErrorKind::usage, "at most 15 bytes");
  EXPECT_REFUSED(text("x", at_most((1 << 28) + 1)), ErrorKind::usage, "expected a number from 16");
}

TEST_F(Documents, TextThatIsNotUtf8) {
  EXPECT_REFUSED(text("abc\xFFz"), ErrorKind::bad_input, "file: not UTF-8 at byte 3 (0xff)");
  EXPECT_REFUSED(text("0123456789\n\nabc\xC3", at_most(16)), ErrorKind::bad_input,
                 "not UTF-8 at byte 15 (0xc3)");
  EXPECT_REFUSED(json("{\"text\": \"a\"}\n{\"text\": \"\xED\xA0\x80\"}"), ErrorKind::bad_input, "at byte 24");
  ReadOptions repair;
  repair.bad_text = corpus::BadText::repair;
  EXPECT_EQ(text("abc\xFFz", repair), Texts{"abc\xEF\xBF\xBDz"});
  EXPECT_EQ(json("{\"text\": \"\xFF\"}", repair), Texts{"\xEF\xBF\xBD"});
}

TEST_F(Documents, JsonLines) {
  EXPECT_EQ(json("{\"text\": \"a\\nb\", \"x\": 1}\n\n  \r\n{\"text\": \"\"}\r\n{\"text\": \"c\"}"),
            (Texts{"a\nb", "", "c"}));
  EXPECT_EQ(json(""), Texts{});
  ReadOptions options;
  options.text_key = "body";
  options.group_key = "title";
  EXPECT_EQ(json("{\"body\": \"a\", \"title\": \"T\"}\n{\"title\": \"U\", \"body\": \"b\"}\n", options),
            (Texts{"a", "b"}));
  EXPECT_EQ(groups_, (Texts{"T", "U"}));
  EXPECT_REFUSED(json("{\"text\": \"a\"}\n{\"txt\": 1}"), ErrorKind::bad_input,
                 "file: line 2: no key \"text\"; --text-key");
  EXPECT_REFUSED(json("\n{\"text\": 5}"), ErrorKind::bad_input,
                 "line 2: the value of \"text\" must be a string");
  EXPECT_REFUSED(json("[1]"), ErrorKind::bad_input, "line 1: expected a JSON object");
  EXPECT_REFUSED(json("{\"text\": \"a\"} x"), ErrorKind::bad_input, "line 1: not valid JSON");
  EXPECT_REFUSED(json("{\"body\": \"a\"}", options), ErrorKind::bad_input, "no key \"title\"; --heldout-by");
}

// Each message as [content], of which the brackets are control text.
corpus::WrittenConversation in_brackets(const Json& line) {
  corpus::WrittenConversation written;
  const auto control = [&](char c) {
    written.control.push_back({written.text.size(), written.text.size() + 1});
    written.text += c;
  };
  for (const Json& message : line.at("messages")) {
    control('[');
    written.text += message.at("content").get<std::string>();
    control(']');
  }
  return written;
}

TEST_F(Documents, NestedKeys) {
  ReadOptions options;
  options.text_key = "a.b";
  options.group_key = "meta.source.name";
  EXPECT_EQ(json(R"({"a": {"b": "x"}, "meta": {"source": {"name": "S"}}})"
                 "\n"
                 R"({"a": {"b": 1}, "a.b": "y", "meta": {"source.name": "T"}})",
                 options),
            (Texts{"x", "y"}));
  EXPECT_EQ(groups_, (Texts{"S", "T"}));
  EXPECT_REFUSED(json(R"({"a": "b"})", options), ErrorKind::bad_input, "no key \"a.b\"");
  EXPECT_REFUSED(json(R"({"a": {"b": {"c": 1}}})", options), ErrorKind::bad_input,
                 "must be a string, found an object");
}

TEST_F(Documents, BadLinesAreLeftOutAndCounted) {
  ReadOptions options;
  options.bad_lines = corpus::BadLines::skip;
  options.conversations = in_brackets;
  const std::string lines =
      "{\"text\": \"a\"}\n{\"text\": \"b\"\nnot JSON\n[1]\n{\"txt\": 1}\n{\"text\": null}\n\n{\"text\": "
      "\"\xFF\"}\n"
      "{\"messages\": 5}\n{\"text\": \"c\"}\n{\"text\": \"cut";
  const std::string path = scratch_.write("file", lines).string();
  DocumentReader reader({path, TextFormat::jsonl, 0}, options, {});
  Texts texts;
  for (corpus::Document d; reader.next(d);) texts.push_back(d.text);
  EXPECT_EQ(texts, (Texts{"a", "c"}));
  EXPECT_EQ(reader.skipped_lines(), 8);
  options.group_key = "title";
  EXPECT_REFUSED(json("{\"text\": \"a\"}", options), ErrorKind::bad_input, "no key \"title\"");
}

TEST_F(Documents, JsonLinesAreKnownByTheirFirst) {
  const auto read_any = [&](const std::string& bytes, const ReadOptions& options = {}) {
    return read(bytes, TextFormat::by_content, options);
  };
  EXPECT_EQ(read_any("\n {\"text\": \"a\"}\n{\"text\": \"b\"}"), (Texts{"a", "b"}));
  EXPECT_EQ(read_any("\xEF\xBB\xBF{\"text\": \"a\"}\r\n"), Texts{"a"});
  const std::string long_line = "{\"text\": \"" + std::string(1 << 20, 'x') + "\"}";
  EXPECT_EQ(joined(read_any(long_line)).size(), std::size_t{1} << 20);
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string("{"), std::string("{\"text\": \"a\"} b\n"),
        std::string("{\n\"text\": \"a\"}"), std::string("[1]\n"), std::string("{\"a\": 1}\n"),
        std::string("prose\n{\"text\": \"a\"}\n")}) {
    EXPECT_EQ(joined(read_any(text)), text);
  }
  ReadOptions options;
  options.text_key = "body.text";
  EXPECT_EQ(read_any("{\"body\": {\"text\": \"a\"}}", options), Texts{"a"});
}

TEST_F(Documents, TokenShardsAreNoText) {
  EXPECT_REFUSED(DocumentReader({"x.idx", TextFormat::megatron, 0}, {}, {}), ErrorKind::not_found, "x.idx");
  const std::string index = scratch_.write("x.idx", "abc").string();
  EXPECT_REFUSED(DocumentReader({index, TextFormat::megatron, 0}, {}, {}), ErrorKind::unsupported,
                 "token ids");
}

TEST_F(Documents, MessagesInPlaceOfTextAreAConversation) {
  ReadOptions options = at_most(16);
  options.conversations = in_brackets;
  const std::string talk =
      R"({"messages": [{"role": "user", "content": "a question, not cut"}, {"role": "assistant", "content": "b"}]})";
  EXPECT_EQ(json(talk + "\n{\"text\": \"plain\"}\n" + R"({"messages": [], "text": "c"})", options),
            (Texts{"[a question, not cut][b]", "plain", "c"}));
  const std::string path = scratch_.write("file", talk + "\n{\"text\": \"plain\"}").string();
  DocumentReader reader({path, TextFormat::jsonl, 0}, options, {});
  corpus::Document document;
  ASSERT_TRUE(reader.next(document));
  EXPECT_EQ(document.control, (std::vector<TextSpan>{{0, 1}, {20, 21}, {21, 22}, {23, 24}}));
  ASSERT_TRUE(reader.next(document));
  EXPECT_EQ(document.control, std::vector<TextSpan>{});
  EXPECT_REFUSED(json(talk), ErrorKind::bad_input, "no key \"text\"");
  for (const std::string bad : {R"({"messages": 5})", R"({"messages": [5]})", R"({"messages": {}})",
                                R"({"messages": [{"content": "by nobody"}]})"}) {
    EXPECT_REFUSED(json(bad, options), ErrorKind::bad_input,
                   "line 1: \"messages\" must be a list of objects");
  }
  options.conversations = [](const Json&) -> corpus::WrittenConversation {
    fail(ErrorKind::bad_input, "roles must alternate");
  };
  EXPECT_REFUSED(json("\n" + talk, options), ErrorKind::bad_input, "file: line 2: roles must alternate");
}

TEST_F(Documents, PackedFilesAreUnpacked) {
  std::string lines, all;
  for (int i = 0; i < 40000; ++i) {
    lines += fmt::format("{{\"text\": \"document {}\"}}\n", i * 7919 % 40000);
    all += fmt::format("document {}", i * 7919 % 40000);
  }
  const std::string xz = packed_xz(lines);
  ASSERT_GT(xz.size(), 40000U);
  EXPECT_EQ(joined(json(xz)), all);
  EXPECT_EQ(joined(json(xz + packed_xz("{\"text\": \"more\"}"))),
            all + "more");  // xz files may be concatenated
  EXPECT_EQ(text(packed_xz("")), Texts{});
}

TEST_F(Documents, DamagedPackedFiles) {
  std::string noise;
  for (unsigned i = 0; i < 100000; ++i) noise += static_cast<char>('a' + i * i % 23 * 7 % 26);
  const std::string xz = packed_xz(noise);
  for (const std::size_t size : {std::size_t{6}, std::size_t{20}, xz.size() / 2, xz.size() - 1}) {
    EXPECT_REFUSED(text(xz.substr(0, size)), ErrorKind::bad_input, "ends too early");
  }
  std::string damaged = xz;
  damaged[xz.size() / 2] ^= 0x10;
  EXPECT_REFUSED(text(damaged), ErrorKind::bad_input, "damaged .xz file");
  EXPECT_REFUSED(text(xz + "garbage after it"), ErrorKind::bad_input, "damaged .xz file");
}

TEST_F(Documents, FilesThatCannotBeRead) {
  EXPECT_REFUSED(DocumentReader({(scratch_.path() / "gone").string(), TextFormat::text, 0}, {}, {}),
                 ErrorKind::not_found, "gone");
  EXPECT_REFUSED(DocumentReader({scratch_.path().string(), TextFormat::text, 0}, {}, {}), ErrorKind::io,
                 "read");
}

TEST_F(Documents, AStopEndsTheWaitForAPipe) {
  const std::string pipe = (scratch_.path() / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  struct sigaction action {};
  action.sa_handler = [](int) {};
  ASSERT_EQ(::sigaction(SIGUSR1, &action, nullptr), 0);
  std::stop_source stop;
  std::binary_semaphore closing(0);
  std::jthread later([&, waiting = ::pthread_self()] {
    const std::ofstream writer(pipe);  // opens the other end and keeps silent
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ::pthread_kill(waiting, SIGUSR1);  // as Ctrl-C does: the system call ends, the stop comes a little later
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop.request_stop();
    closing.acquire();
  });
  EXPECT_REFUSED(DocumentReader({pipe, TextFormat::text, 0}, {}, stop.get_token()), ErrorKind::cancelled,
                 "pipe");
  closing.release();
}

}  // namespace
}  // namespace nestor::testing
