// NFC and NFKC, from ICU's character data as far as they are as old as the reference's, but with our own
// loop: ICU's buffer sorts combining marks by insertion, which takes quadratic time on a long run of marks
// out of order.
#pragma once

#include "tokenizer/rewriting.h"

namespace nestor::tokenizer {

enum class UnicodeForm { nfc, nfkc };

/// Rewrites the text (valid UTF-8) in the given form.
void normalize_form(RewrittenText& text, UnicodeForm form);

}  // namespace nestor::tokenizer
