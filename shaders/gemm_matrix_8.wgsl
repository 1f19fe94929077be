// Matrix product on the matrix units of a GPU (tensor cores), for those that multiply 8 x 8: f16
// inputs, f32 sums. Two roundings to 11 bits per product, so only where the settings allow f16.
// See common/matrix_product.wgsl.
//
//   c        = a b, with either operand transposed where its constant says so
//
//   a        (m, k), or (k, m) when A_TRANSPOSED is 1
//   b        (k, n), or (n, k) when B_TRANSPOSED is 1
//   c        (m, n)  =, or += when params.accumulate is 1; with RUN, (k / RUN rounded up, m, n)
//
// Host side and CPU twin: crates/kernels/src/gemm.rs.

enable f16;
enable wgpu_cooperative_matrix;

const SIDE: u32 = 8u;
alias Left = coop_mat8x8<f16, A>;
alias Right = coop_mat8x8<f16, B>;
alias Sum = coop_mat8x8<f32, C>;

#import matrix_product
