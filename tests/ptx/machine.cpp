// The executor of PTX itself: its instructions against the manual's definitions, and what it must refuse.
#include "tests/support/ptx/machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace clvsim::test::ptx {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A kernel with the registers %p, %h (16 bits), %r, %d (64 bits), %f, %fd, and 256 bytes of shared memory.
// %d0: address of parameter 0, %r0: the thread.
std::string kernel_of(const std::string& body) {
  return R"(.version 9.0
.target sm_75
.address_size 64
.visible .entry test(.param .u64 memory, .param .u32 number) {
  .reg .pred %p<4>; .reg .b16 %h<4>; .reg .b32 %r<16>; .reg .b64 %d<16>; .reg .f32 %f<4>; .reg .f64 %fd<8>;
  .shared .align 16 .b8 block[256];
  ld.param.u64 %d0, [memory]; cvta.to.global.u64 %d0, %d0; mov.u32 %r0, %tid.x;
)" + body +
         "\n  ret;\n}\n";
}

// Runs it on `memory`.
template <class T>
void run(const std::string& body, std::vector<T>& memory, std::uint32_t threads = 1, std::uint32_t blocks = 1,
         Schedule schedule = {}) {
  const Module module(kernel_of(body), "test.ptx");
  Device device(module);
  device.schedule = schedule;
  device.give("memory", memory);
  device.launch("test", blocks, threads, memory.data(), std::uint32_t{7});
}

std::string error_of(const std::string& body, std::uint32_t threads = 1, std::uint32_t blocks = 1) {
  std::vector<std::uint32_t> memory(64);
  try {
    run(body, memory, threads, blocks);
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

// The result of an instruction on up to three operands, each given as the bits of its register.
std::uint64_t result(const std::string& opcode, const std::vector<std::uint64_t>& operands) {
  const Compute compute = find_compute(opcode);
  if (compute == nullptr) throw Error("unknown " + opcode);
  std::array<std::uint64_t, 8> slots{};
  for (std::size_t i = 0; i < operands.size(); ++i) slots.at(i + 2) = operands[i];
  constexpr std::array<Slot, 6> operand = {1, 2, 3, 4, 5, 6};
  compute(slots.data(), operand.data());
  return slots[1];
}

std::uint64_t bits(double x) { return std::bit_cast<std::uint64_t>(x); }

constexpr std::uint64_t all = ~std::uint64_t{0};

TEST(PtxMachine, IntegerInstructions) {
  EXPECT_EQ(result("add.s32", {0x7FFFFFFF, 1}) & 0xFFFFFFFF, 0x80000000U);
  EXPECT_EQ(result("mul.hi.u64", {all, all}), all - 1);
  EXPECT_EQ(result("mul.hi.s64", {all, 5}), all);
  EXPECT_EQ(result("mul.hi.u32", {0xFFFFFFFF, 0xFFFFFFFF}), 0xFFFFFFFEU);
  EXPECT_EQ(result("mul.wide.u32", {0xFFFFFFFF, 0xFFFFFFFF}), 0xFFFFFFFE00000001U);
  EXPECT_EQ(result("mul.wide.s32", {0xFFFFFFFF, 3}), all - 2);
  EXPECT_EQ(result("mul.wide.u16", {0xFFFF, 0xFFFF}), 0xFFFE0001U);
  EXPECT_EQ(result("mad.lo.s32", {3, 5, 7}), 22U);
  EXPECT_EQ(result("shl.b32", {1, 32}), 0U);
  EXPECT_EQ(result("shr.u32", {0xFFFFFFFF, 33}), 0U);
  EXPECT_EQ(result("shr.s32", {0x80000000, 40}) & 0xFFFFFFFF, 0xFFFFFFFFU);
  EXPECT_EQ(result("shr.s64", {all - 7, 2}), all - 1);
  EXPECT_EQ(result("div.s32", {static_cast<std::uint32_t>(-7), 2}) & 0xFFFFFFFF, 0xFFFFFFFDU);
  EXPECT_EQ(result("rem.s32", {static_cast<std::uint32_t>(-7), 2}) & 0xFFFFFFFF, 0xFFFFFFFFU);
  EXPECT_EQ(result("div.u64", {all, 10}), all / 10);
  EXPECT_EQ(result("popc.b64", {all}), 64U);
  EXPECT_EQ(result("clz.b32", {1}), 31U);
  EXPECT_EQ(result("clz.b64", {0}), 64U);
  EXPECT_EQ(result("brev.b32", {1}), 0x80000000U);
  EXPECT_EQ(result("bfind.u32", {0x80000000}), 31U);
  EXPECT_EQ(result("bfind.u32", {0}), 0xFFFFFFFFU);
  EXPECT_EQ(result("bfe.u32", {0xABCD1234, 8, 12}), 0xD12U);
  EXPECT_EQ(result("bfe.s32", {0xABCD1234, 16, 16}) & 0xFFFFFFFF, 0xFFFFABCDU);
  EXPECT_EQ(result("bfe.s32", {0x80000000, 28, 20}) & 0xFFFFFFFF, 0xFFFFFFF8U);
  EXPECT_EQ(result("bfi.b32", {0xFF, 0, 4, 4}), 0xF0U);
  EXPECT_EQ(result("bfi.b32", {0xFF, 0x12345678, 0, 0}), 0x12345678U);
  EXPECT_EQ(result("prmt.b32", {0x33221100, 0x77665544, 0x7410}), 0x77441100U);
  EXPECT_EQ(result("prmt.b32", {0x80, 0, 0x0008}), 0x808080FFU);
  EXPECT_EQ(result("shf.l.wrap.b32", {0x80000001, 0x12345678, 36}), 0x23456788U);
  EXPECT_EQ(result("shf.r.clamp.b32", {0x80000001, 0x12345678, 36}), 0x12345678U);
  EXPECT_EQ(result("lop3.b32", {0xF0F0F0F0, 0xCCCCCCCC, 0xAAAAAAAA, 0x96}), 0xF0F0F0F0U ^ 0xCCCCCCCCU ^ 0xAAAAAAAAU);
  EXPECT_EQ(result("setp.lt.s32", {0xFFFFFFFF, 0}), 1U);
  EXPECT_EQ(result("setp.lt.u32", {0xFFFFFFFF, 0}), 0U);
  EXPECT_EQ(result("selp.b32", {5, 6, 0}), 6U);
  EXPECT_EQ(result("cvt.s64.s32", {0x80000000}), 0xFFFFFFFF80000000U);
  EXPECT_EQ(result("cvt.u64.u32", {0x80000000}), 0x80000000U);
  EXPECT_EQ(result("cvt.u16.u64", {0x12345678}), 0x5678U);
}

TEST(PtxMachine, FloatingInstructions) {
  const double third = 1.0 / 3.0, nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(result("div.rn.f64", {bits(1), bits(3)}), bits(third));
  EXPECT_EQ(result("fma.rn.f64", {bits(third), bits(3), bits(-1)}), bits(std::fma(third, 3.0, -1.0)));
  EXPECT_EQ(result("mul.rn.f64", {bits(third), bits(3)}), bits(1));  // rounded: not what fma keeps
  EXPECT_EQ(result("sqrt.rn.f64", {bits(2)}), bits(std::sqrt(2.0)));
  EXPECT_EQ(result("neg.f64", {bits(0)}), bits(-0.0));
  EXPECT_EQ(result("min.f64", {bits(nan), bits(2)}), bits(2));
  EXPECT_EQ(result("min.f64", {bits(0.0), bits(-0.0)}), bits(-0.0));
  EXPECT_EQ(result("max.f64", {bits(-0.0), bits(0.0)}), bits(0.0));
  EXPECT_EQ(result("setp.lt.f64", {bits(nan), bits(2)}), 0U);
  EXPECT_EQ(result("setp.ltu.f64", {bits(nan), bits(2)}), 1U);
  EXPECT_EQ(result("setp.ne.f64", {bits(nan), bits(2)}), 0U);
  EXPECT_EQ(result("setp.neu.f64", {bits(nan), bits(2)}), 1U);
  EXPECT_EQ(result("setp.nan.f64", {bits(1), bits(nan)}), 1U);
  EXPECT_EQ(result("cvt.rzi.s64.f64", {bits(-1.9)}), all);
  EXPECT_EQ(result("cvt.rzi.s64.f64", {bits(1e300)}), all >> 1);
  EXPECT_EQ(result("cvt.rzi.s64.f64", {bits(-infinity)}), all - (all >> 1));
  EXPECT_EQ(result("cvt.rzi.s64.f64", {bits(nan)}), all - (all >> 1));
  EXPECT_EQ(result("cvt.rzi.u32.f64", {bits(-3)}), 0U);
  EXPECT_EQ(result("cvt.rni.s32.f64", {bits(2.5)}), 2U);
  EXPECT_EQ(result("cvt.rpi.f64.f64", {bits(2.5)}), bits(3));
  EXPECT_EQ(result("cvt.rn.f64.u64", {all}), bits(18446744073709551616.0));
  EXPECT_EQ(result("cvt.rn.f64.s64", {all}), bits(-1));
}

// What may differ between devices, or after ptxas, is unknown.
TEST(PtxMachine, InexactInstructionsAreRefused) {
  for (const char* opcode : {"add.f64", "mul.f64", "sub.f32", "mad.rn.f32", "rcp.approx.ftz.f64", "sqrt.approx.f32",
                             "ex2.approx.f32", "fma.rn.ftz.f32", "div.full.f32", "add.rz.f64"}) {
    EXPECT_EQ(find_compute(opcode), nullptr) << opcode;
  }
  EXPECT_THAT(error_of("add.f64 %fd0, %fd1, %fd2;"),
              HasSubstr("test.ptx:8: unknown instruction add.f64 in kernel test"));
}

// Sums and products of 128 bits in pieces, against the compiler's.
TEST(PtxMachine, Carries) {
  __extension__ using u128 = unsigned __int128;
  std::mt19937_64 random(1);
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t a = random(), b = random() >> (i % 64), c = i % 3 == 0 ? all - random() % 3 : random(),
                        d = random();
    const u128 x = static_cast<u128>(b) << 64 | a, y = static_cast<u128>(d) << 64 | c;
    std::vector<std::uint64_t> memory = {a, b, c, d, 0, 0, 0, 0};
    run(R"(ld.global.v2.u64 {%d1, %d2}, [%d0]; ld.global.v2.u64 {%d3, %d4}, [%d0+16];
           add.cc.s64 %d5, %d1, %d3; addc.cc.s64 %d6, %d2, %d4; st.global.v2.u64 [%d0+32], {%d5, %d6};
           sub.cc.s64 %d5, %d1, %d3; subc.cc.s64 %d6, %d2, %d4; st.global.v2.u64 [%d0+48], {%d5, %d6};)",
        memory);
    EXPECT_EQ(static_cast<u128>(memory[5]) << 64 | memory[4], x + y);
    EXPECT_EQ(static_cast<u128>(memory[7]) << 64 | memory[6], x - y);
    memory = {a, c, 0, 0, 0};
    run(R"(ld.global.u64 %d1, [%d0]; ld.global.u64 %d2, [%d0+8]; mov.u64 %d3, -1; mov.b64 %d4, 5;
           mad.lo.cc.u64 %d5, %d1, %d2, %d3; madc.hi.u64 %d6, %d1, %d2, %d4;
           st.global.u64 [%d0+16], %d5; st.global.u64 [%d0+24], %d6;)",
        memory);
    EXPECT_EQ(static_cast<u128>(memory[3]) << 64 | memory[2],
              static_cast<u128>(a) * c + (static_cast<u128>(5) << 64 | all));
  }
}

TEST(PtxMachine, BranchesPredicatesAndScopes) {
  std::vector<std::uint32_t> memory(2);
  run(R"({ .reg .b32 %r1, sum; mov.u32 %r1, 0; mov.u32 sum, 0;
         again: add.u32 sum, sum, %r1; add.u32 %r1, %r1, 1; setp.lt.u32 %p0, %r1, 10; @%p0 bra again;
         st.global.u32 [%d0], sum; }
         setp.eq.u32 %p1, 0, 1; @%p1 bra over; @!%p1 mov.u32 %r1, 9; st.global.u32 [%d0+4], %r1; over:)",
      memory);
  EXPECT_THAT(memory, ElementsAre(45, 9));
}

// Thread i reads what thread n-1-i wrote, in any order of threads.
TEST(PtxMachine, BarriersAndSharedMemory) {
  const std::string body = R"(mov.u32 %r1, block; shl.b32 %r2, %r0, 2; add.u32 %r3, %r1, %r2; st.shared.u32 [%r3], %r0;
    bar.sync 0; xor.b32 %r4, %r2, 252; add.u32 %r4, %r1, %r4; ld.shared.u32 %r5, [%r4];
    cvt.u64.u32 %d1, %r2; add.s64 %d1, %d0, %d1; st.global.u32 [%d1], %r5;)";
  for (const Schedule schedule : {Schedule{}, Schedule{true, 0}, Schedule{false, 1}, Schedule{true, 3}}) {
    std::vector<std::uint32_t> memory(64);
    run(body, memory, 64, 1, schedule);
    for (std::uint32_t i = 0; i < 64; ++i) EXPECT_EQ(memory[i], 63 - i);
  }
  EXPECT_THAT(error_of(std::string(body).replace(body.find("bar.sync 0"), 10, ""), 64), HasSubstr("races with a"));
}

TEST(PtxMachine, Atomics) {
  std::vector<std::uint32_t> memory = {0, 100, 0, 0};
  run(R"(atom.global.add.u32 %r1, [%d0], 2; red.global.min.u32 [%d0+4], %r0; atom.global.max.u32 %r1, [%d0+8], %r0;
         atom.global.cas.b32 %r2, [%d0+12], 0, 77;)",
      memory, 40, 3);
  EXPECT_THAT(memory, ElementsAre(240, 0, 39, 77));
}

TEST(PtxMachine, ShufflesAndVotes) {
  // Sums of a warp by butterflies, a ballot, and the neighbour's number.
  const std::string body = R"(mov.u32 %r1, %r0;
    shfl.sync.bfly.b32 %r2|%p0, %r1, 16, 31, -1; add.u32 %r1, %r1, %r2;
    shfl.sync.bfly.b32 %r2, %r1, 8, 31, -1; add.u32 %r1, %r1, %r2;
    shfl.sync.bfly.b32 %r2, %r1, 4, 31, -1; add.u32 %r1, %r1, %r2;
    shfl.sync.bfly.b32 %r2, %r1, 2, 31, -1; add.u32 %r1, %r1, %r2;
    shfl.sync.bfly.b32 %r2, %r1, 1, 31, -1; add.u32 %r1, %r1, %r2;
    setp.lt.u32 %p1, %r0, 40; vote.sync.ballot.b32 %r3, %p1, -1;
    shfl.sync.up.b32 %r4|%p2, %r0, 1, 0, -1; shfl.sync.down.b32 %r5, %r0, 1, 31, -1; selp.u32 %r6, 1, 0, %p2;
    mad.lo.u32 %r7, %r0, 20, 0; cvt.u64.u32 %d1, %r7; add.s64 %d1, %d0, %d1;
    st.global.u32 [%d1], %r1; st.global.u32 [%d1+4], %r3; st.global.u32 [%d1+8], %r4; st.global.u32 [%d1+12], %r5;
    st.global.u32 [%d1+16], %r6;)";
  for (const Schedule schedule : {Schedule{}, Schedule{true, 1}}) {
    std::vector<std::uint32_t> memory(64 * 5);
    run(body, memory, 64, 1, schedule);
    for (std::uint32_t i = 0; i < 64; ++i) {
      const std::vector<std::uint32_t> of_thread(memory.begin() + i * 5, memory.begin() + i * 5 + 5);
      const std::uint32_t warp = i / 32, lane = i % 32;
      EXPECT_THAT(of_thread, ElementsAre(warp == 0 ? 496 : 1520, warp == 0 ? 0xFFFFFFFF : 0xFF, lane == 0 ? i : i - 1,
                                         lane == 31 ? i : i + 1, lane == 0 ? 0 : 1))
          << i;
    }
  }
}

TEST(PtxMachine, LocalMemoryAndGenericAddresses) {
  std::vector<std::uint32_t> memory(2);
  run(R"({ .local .align 8 .b8 frame[16]; .reg .b64 %own; mov.u64 %own, frame; cvta.local.u64 %d1, %own;
         st.u32 [%d1+4], 5; ld.local.u32 %r1, [%own+4]; mov.u64 %d2, block; cvta.shared.u64 %d2, %d2;
         st.u32 [%d2+8], 6; ld.shared.u32 %r2, [block+8]; st.v2.u32 [%d0], {%r1, %r2}; })",
      memory);
  EXPECT_THAT(memory, ElementsAre(5, 6));
}

TEST(PtxMachine, VariablesOfTheModule) {
  const std::string text = ".const .align 4 .u32 table[3] = {5, 6, 7};\n.global .align 1 .b8 text[2] = {65, 66};\n" +
                           kernel_of(
                               "ld.const.u32 %r1, [table+8]; ld.global.u8 %h0, [text+1]; st.global.u32 [%d0], %r1; "
                               "st.global.u16 [%d0+4], %h0; ld.param.u32 %r2, [number]; st.global.u32 [%d0+8], %r2;");
  const Module module(text, "test.ptx");
  Device device(module);
  std::vector<std::uint32_t> memory(3);
  device.give("memory", memory);
  device.launch("test", 1, 1, memory.data(), std::uint32_t{7});
  EXPECT_THAT(memory, ElementsAre(7, 66, 7));
}

TEST(PtxMachine, FaultsAreErrors) {
  EXPECT_EQ(error_of("st.global.u32 [%d0+252], %r0;"), "none");
  EXPECT_THAT(error_of("st.global.u32 [%d0+256], %r0;"), HasSubstr("is in no array"));
  EXPECT_THAT(error_of("ld.global.u32 %r1, [%d0+-4];"), HasSubstr("is in no array"));
  EXPECT_THAT(error_of("ld.global.u64 %d1, [%d0+4];"), HasSubstr("is not aligned"));
  EXPECT_THAT(error_of("ld.global.v2.u64 {%d1, %d2}, [%d0+8];"), HasSubstr("is not aligned"));
  EXPECT_THAT(error_of("ld.shared.u32 %r1, [block+256];"), HasSubstr("byte 256 of 256 of shared memory"));
  EXPECT_THAT(error_of("ld.global.u32 %r1, [%d9];"), HasSubstr("line 8, ld.global.u32, block 0, thread 0"));
  EXPECT_THAT(error_of("st.global.u32 [%d0], %r0;", 2), HasSubstr("races with a write by block 0, thread 0"));
  EXPECT_THAT(error_of("st.global.u32 [%d0], %r0;", 1, 2), HasSubstr("races with a write by block 0, thread 0"));
  EXPECT_THAT(error_of("ld.global.u32 %r1, [%d0]; atom.global.add.u32 %r1, [%d0], 1;", 2), HasSubstr("races with a"));
  EXPECT_THAT(error_of("setp.eq.u32 %p0, %r0, 0; @%p0 st.global.u32 [%d0], 0; atom.global.add.u32 %r1, [%d0], 1;", 2),
              HasSubstr("races with a write"));
  // The warp has passed a barrier since; another warp has not.
  EXPECT_THAT(error_of("setp.eq.u32 %p0, %r0, 0; @%p0 st.global.u32 [%d0], 0; bar.warp.sync -1; @%p0 "
                       "atom.global.add.u32 %r1, [%d0], 1; setp.eq.u32 %p1, %r0, 32; @%p1 atom.global.add.u32 %r1, "
                       "[%d0], 1;",
                       64),
              HasSubstr("races with a write by block 0, thread 0"));
  EXPECT_EQ(error_of("setp.eq.u32 %p0, %r0, 0; @%p0 st.global.u32 [%d0], 0; bar.warp.sync -1; atom.global.add.u32 "
                     "%r1, [%d0], 1;",
                     32),
            "none");
  EXPECT_THAT(error_of("setp.eq.u32 %p0, %r0, 0; @%p0 bar.sync 0; @!%p0 bar.sync 0;", 2),
              HasSubstr("different barriers"));
  EXPECT_THAT(error_of("setp.eq.u32 %p0, %r0, 0; @%p0 bar.warp.sync 3; bar.sync 0;", 2), HasSubstr("never come"));
  EXPECT_THAT(error_of("setp.eq.u32 %p0, %r0, 0; @%p0 bar.sync 0; st.global.u32 [%d0], 1;", 1), "none");
  EXPECT_THAT(error_of("frobnicate.u32 %r1, %r2;"), HasSubstr("unknown instruction frobnicate.u32"));
  EXPECT_THAT(error_of("add.u32 %r1, %r99, 1;"), HasSubstr("unknown operand %r99"));
  EXPECT_THAT(error_of("bra nowhere;"), HasSubstr("unknown label nowhere"));
}

// What a launch adds to a block's shared memory stands behind the kernel's own.
TEST(PtxMachine, DynamicSharedMemory) {
  const std::string text = ".extern .shared .align 16 .b8 more[];\n" +
                           kernel_of(
                               "mov.u32 %r1, 1; st.shared.u32 [block], %r1; st.shared.u32 [block+252], %r1; mov.u32 "
                               "%r2, 2; st.shared.u32 [more], %r2; st.shared.u32 [more+28], %r2; ld.shared.u32 %r3, "
                               "[block]; ld.shared.u32 %r4, [block+252]; add.u32 %r3, %r3, %r4; st.global.u32 [%d0], "
                               "%r3;");
  const Module module(text, "test.ptx");
  std::vector<std::uint32_t> memory(1);
  const auto launch = [&](std::size_t bytes) {
    Device device(module);
    device.give("memory", memory);
    const auto bytes_of = [](const auto& value) {
      const auto* first = reinterpret_cast<const unsigned char*>(&value);
      return std::vector<unsigned char>(first, first + sizeof value);
    };
    device.launch_bytes("test", 1, 1, bytes, {bytes_of(memory.data()), bytes_of(std::uint32_t{7})});
  };
  launch(32);
  EXPECT_THAT(memory, ElementsAre(2));
  EXPECT_THROW(launch(31), Error);
}

TEST(PtxMachine, LaunchesAreChecked) {
  const Module module(kernel_of(""), "test.ptx");
  Device device(module);
  EXPECT_THROW(device.launch("other", 1, 1), Error);
  EXPECT_THROW(device.launch("test", 1, 1, std::uint64_t{0}), Error);
  EXPECT_THROW(device.launch("test", 1, 1, std::uint64_t{0}, std::uint64_t{0}), Error);
  EXPECT_THROW(device.launch("test", 1, 1025, std::uint64_t{0}, std::uint32_t{0}), Error);
}

}  // namespace
}  // namespace clvsim::test::ptx
