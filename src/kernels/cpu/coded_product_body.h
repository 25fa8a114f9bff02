// Products of tiles with codes: by panels (coded_panels_body.h), and by the streams of the coded_body_*.h
// before this file.
#pragma once

namespace {

// What panels leave over is streamed if it is few.
template <typename Codes>
void coded_product(const MatmulCodedArgs& a, int64_t n_begin, int64_t n_end) {
  using Passes = VectorPasses<Codes>;
  const int64_t rest = a.x.rows % Passes::kActivations;
  const int64_t in_panels = rest <= kFewRows ? a.x.rows - rest : a.x.rows;
  panel_product<Passes>(a, in_panels, n_begin, n_end);
  stream_rows<Codes>(a, in_panels, n_begin, n_end);
}

void matmul_coded(const MatmulCodedArgs& a, int64_t n_begin, int64_t n_end) {
  if (a.w.format == nestor::quant::Format::q4) {
    coded_product<CodesQ4>(a, n_begin, n_end);
  } else {
    coded_product<CodesQ8>(a, n_begin, n_end);
  }
}

}  // namespace
