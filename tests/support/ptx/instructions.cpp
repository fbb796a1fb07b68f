// The meaning of every instruction that only computes, one line each (PTX ISA 9.0, sections 9.7.1 to 9.7.10). An entry
// is a function of the operands; a narrow integer result is extended to its slot.
#include "tests/support/ptx/module.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <unordered_map>
#include <utility>

namespace clvsim::test::ptx {

namespace {

using s8 = std::int8_t;
using u8 = std::uint8_t;
using s16 = std::int16_t;
using u16 = std::uint16_t;
using s32 = std::int32_t;
using u32 = std::uint32_t;
using s64 = std::int64_t;
using u64 = std::uint64_t;
using f32 = float;
using f64 = double;
__extension__ using s128 = __int128;
__extension__ using u128 = unsigned __int128;

template <class T>
T read(u64 slot) {
  if constexpr (std::is_same_v<T, bool>) {
    return slot != 0;
  } else {
    T value;
    std::memcpy(&value, &slot, sizeof value);
    return value;
  }
}

template <class T>
u64 slot_of(T value) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<u64>(value);
  } else {
    u64 slot = 0;
    std::memcpy(&slot, &value, sizeof value);
    return slot;
  }
}

using Table = std::unordered_map<std::string, Compute>;

// Calls a function without state on the slots of its operands.
template <class F, class Signature>
struct Call;
template <class F, class R, class... A>
struct Call<F, R (F::*)(A...) const> {
  static void on_slots(u64* slots, const Slot* operand) { on_slots(slots, operand, std::index_sequence_for<A...>{}); }
  template <std::size_t... I>
  static void on_slots(u64* slots, const Slot* operand, std::index_sequence<I...>) {
    slots[operand[0]] = slot_of<R>(F{}(read<A>(slots[operand[I + 1]])...));
  }
};

template <class F>
void add(Table& table, const std::string& opcode, F) {
  table[opcode] = &Call<F, decltype(&F::operator())>::on_slots;
}

// Wrapping arithmetic is done in an unsigned type that is not promoted to a signed one.
template <class T>
using Wrapping = std::make_unsigned_t<std::conditional_t<(sizeof(T) < 4), s32, T>>;
template <class T>
Wrapping<T> wrap(T x) {
  return static_cast<Wrapping<T>>(x);
}

template <class T>
struct Twice;
template <>
struct Twice<u16> : std::type_identity<u32> {};
template <>
struct Twice<s16> : std::type_identity<s32> {};
template <>
struct Twice<u32> : std::type_identity<u64> {};
template <>
struct Twice<s32> : std::type_identity<s64> {};
template <>
struct Twice<u64> : std::type_identity<u128> {};
template <>
struct Twice<s64> : std::type_identity<s128> {};

template <class T>
auto wide_product(T a, T b) {
  using Wide = typename Twice<T>::type;
  return static_cast<Wide>(static_cast<Wide>(a) * static_cast<Wide>(b));
}
template <class T>
T high_product(T a, T b) {
  return static_cast<T>(wide_product(a, b) >> (8 * sizeof(T)));
}

template <class T>
T absolute(T a) {
  return a < 0 ? static_cast<T>(-wrap(a)) : a;
}

template <class T>
void compare_integers(Table& table, const std::string& type) {
  add(table, "setp.eq." + type, [](T a, T b) { return a == b; });
  add(table, "setp.ne." + type, [](T a, T b) { return a != b; });
}

template <class T>
void order_integers(Table& table, const std::string& type) {
  compare_integers<T>(table, type);
  add(table, "setp.lt." + type, [](T a, T b) { return a < b; });
  add(table, "setp.le." + type, [](T a, T b) { return a <= b; });
  add(table, "setp.gt." + type, [](T a, T b) { return a > b; });
  add(table, "setp.ge." + type, [](T a, T b) { return a >= b; });
  add(table, "min." + type, [](T a, T b) { return std::min(a, b); });
  add(table, "max." + type, [](T a, T b) { return std::max(a, b); });
  // A shift by the width or more leaves nothing, or the sign.
  add(table, "shr." + type, [](T a, u32 n) {
    constexpr u32 bits = 8 * sizeof(T);
    return n < bits ? static_cast<T>(a >> n) : static_cast<T>(a < 0 ? -1 : 0);
  });
}

template <class T>
void integer_arithmetic(Table& table, const std::string& type) {
  order_integers<T>(table, type);
  add(table, "add." + type, [](T a, T b) { return static_cast<T>(wrap(a) + wrap(b)); });
  add(table, "sub." + type, [](T a, T b) { return static_cast<T>(wrap(a) - wrap(b)); });
  add(table, "mul.lo." + type, [](T a, T b) { return static_cast<T>(wrap(a) * wrap(b)); });
  add(table, "mul.hi." + type, [](T a, T b) { return high_product(a, b); });
  add(table, "mad.lo." + type, [](T a, T b, T c) { return static_cast<T>(wrap(a) * wrap(b) + wrap(c)); });
  add(table, "mad.hi." + type, [](T a, T b, T c) { return static_cast<T>(wrap(high_product(a, b)) + wrap(c)); });
  if constexpr (sizeof(T) < 8) {
    using Wide = typename Twice<T>::type;
    add(table, "mul.wide." + type, [](T a, T b) { return wide_product(a, b); });
    add(table, "mad.wide." + type,
        [](T a, T b, Wide c) { return static_cast<Wide>(wrap(wide_product(a, b)) + wrap(c)); });
  }
  // Division by zero gives all ones on a device; the smallest number by -1 overflows into itself.
  add(table, "div." + type, [](T a, T b) {
    if (b == 0) return static_cast<T>(~T{0});
    if (std::is_signed_v<T> && b == static_cast<T>(-1)) return static_cast<T>(-wrap(a));
    return static_cast<T>(a / b);
  });
  add(table, "rem." + type, [](T a, T b) {
    if (b == 0) return a;
    if (std::is_signed_v<T> && b == static_cast<T>(-1)) return T{0};
    return static_cast<T>(a % b);
  });
  if constexpr (std::is_signed_v<T>) {
    add(table, "neg." + type, [](T a) { return static_cast<T>(-wrap(a)); });
    add(table, "abs." + type, [](T a) { return absolute(a); });
  }
}

// Sums and differences over several words: the carry, or the borrow, goes on in its own slot.
template <class T, bool subtract, bool takes, bool gives>
void chain(u64* slots, const Slot* operand) {
  using U = std::make_unsigned_t<T>;
  const U a = read<U>(slots[operand[1]]), b = read<U>(slots[operand[2]]);
  const U carry = takes ? static_cast<U>(slots[carry_slot]) : U{0};
  const U first = subtract ? a - b : a + b;
  const U result = subtract ? first - carry : first + carry;
  if (gives) slots[carry_slot] = subtract ? (a < b || first < carry ? 1 : 0) : (first < a || result < first ? 1 : 0);
  slots[operand[0]] = slot_of<T>(static_cast<T>(result));
}

template <class T, bool high, bool takes, bool gives>
void chain_product(u64* slots, const Slot* operand) {
  using U = std::make_unsigned_t<T>;
  const T x = read<T>(slots[operand[1]]), y = read<T>(slots[operand[2]]);
  const U a = static_cast<U>(high ? high_product(x, y) : static_cast<T>(wrap(x) * wrap(y)));
  const U b = read<U>(slots[operand[3]]);
  const U carry = takes ? static_cast<U>(slots[carry_slot]) : U{0};
  const U first = a + b, result = first + carry;
  if (gives) slots[carry_slot] = first < a || result < first ? 1 : 0;
  slots[operand[0]] = slot_of<T>(static_cast<T>(result));
}

template <class T>
void carry_arithmetic(Table& table, const std::string& type) {
  table["add.cc." + type] = &chain<T, false, false, true>;
  table["addc." + type] = &chain<T, false, true, false>;
  table["addc.cc." + type] = &chain<T, false, true, true>;
  table["sub.cc." + type] = &chain<T, true, false, true>;
  table["subc." + type] = &chain<T, true, true, false>;
  table["subc.cc." + type] = &chain<T, true, true, true>;
  table["mad.lo.cc." + type] = &chain_product<T, false, false, true>;
  table["mad.hi.cc." + type] = &chain_product<T, true, false, true>;
  table["madc.lo." + type] = &chain_product<T, false, true, false>;
  table["madc.hi." + type] = &chain_product<T, true, true, false>;
  table["madc.lo.cc." + type] = &chain_product<T, false, true, true>;
  table["madc.hi.cc." + type] = &chain_product<T, true, true, true>;
}

template <class T>
void logic(Table& table, const std::string& type) {
  add(table, "and." + type, [](T a, T b) { return static_cast<T>(a & b); });
  add(table, "or." + type, [](T a, T b) { return static_cast<T>(a | b); });
  add(table, "xor." + type, [](T a, T b) { return static_cast<T>(a ^ b); });
}

template <class T>
void bits(Table& table, const std::string& type) {
  constexpr u32 width = 8 * sizeof(T);
  compare_integers<T>(table, type);
  logic<T>(table, type);
  add(table, "not." + type, [](T a) { return static_cast<T>(~a); });
  add(table, "cnot." + type, [](T a) { return static_cast<T>(a == 0 ? 1 : 0); });
  add(table, "shl." + type, [](T a, u32 n) { return n < width ? static_cast<T>(wrap(a) << n) : T{0}; });
  add(table, "shr." + type, [](T a, u32 n) { return n < width ? static_cast<T>(a >> n) : T{0}; });
}

template <class T>
void wide_bits(Table& table, const std::string& width) {
  constexpr u32 n_bits = 8 * sizeof(T);
  using S = std::make_signed_t<T>;
  add(table, "popc.b" + width, [](T a) { return static_cast<u32>(std::popcount(a)); });
  add(table, "clz.b" + width, [](T a) { return static_cast<u32>(std::countl_zero(a)); });
  add(table, "bfind.u" + width, [](T a) { return static_cast<u32>(std::bit_width(a)) - 1; });
  add(table, "brev.b" + width, [](T a) {
    T reversed = 0;
    for (u32 i = 0; i < n_bits; ++i) reversed = static_cast<T>(reversed | ((a >> i & 1U) << (n_bits - 1 - i)));
    return reversed;
  });
  const auto field = [](T a, u32 at, u32 length) {
    at &= 0xFF;
    length &= 0xFF;
    const T shifted = at < n_bits ? a >> at : T{0};
    return length < n_bits ? static_cast<T>(shifted & ((T{1} << length) - 1)) : shifted;
  };
  add(table, "bfe.u" + width, field);
  add(table, "bfe.s" + width, [](T a, u32 at, u32 length) {
    at &= 0xFF;
    length &= 0xFF;
    if (length == 0) return T{0};
    const u32 top = std::min(at + length - 1, n_bits - 1);  // the sign
    const S moved = static_cast<S>(a << (n_bits - 1 - top));
    return static_cast<T>(at > top ? moved >> (n_bits - 1) : moved >> (n_bits - 1 - top + at));
  });
  add(table, "bfi.b" + width, [](T from, T into, u32 at, u32 length) {
    at &= 0xFF;
    length &= 0xFF;
    if (at >= n_bits) return into;
    const T ones = length < n_bits ? static_cast<T>((T{1} << length) - 1) : static_cast<T>(~T{0});
    return static_cast<T>((into & ~(ones << at)) | ((from & ones) << at));
  });
}

// Concatenation high:low, shifted; the shift is cut off at 32, or taken modulo 32.
template <bool left, bool modulo>
void add_funnel(Table& table, const std::string& opcode) {
  add(table, opcode, [](u32 low, u32 high, u32 n) {
    n = modulo ? n & 31 : std::min(n, u32{32});
    const u64 both = u64{high} << 32 | low;
    return static_cast<u32>(left ? both << n >> 32 : both >> n);
  });
}

u32 permute(u32 a, u32 b, u32 selector) {
  const u64 bytes = u64{b} << 32 | a;
  u32 result = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const u32 choice = selector >> (4 * i);
    u32 byte = static_cast<u32>(bytes >> (8 * (choice & 7))) & 0xFF;
    if ((choice & 8) != 0) byte = (byte & 0x80) != 0 ? 0xFF : 0;
    result |= byte << (8 * i);
  }
  return result;
}

u32 any_logic(u32 a, u32 b, u32 c, u32 truth) {
  u32 result = 0;
  for (unsigned i = 0; i < 8; ++i) {
    if ((truth >> i & 1) != 0) result |= ((i & 4) != 0 ? a : ~a) & ((i & 2) != 0 ? b : ~b) & ((i & 1) != 0 ? c : ~c);
  }
  return result;
}

template <class T>
void floating(Table& table, const std::string& type) {
  using U = std::conditional_t<sizeof(T) == 4, u32, u64>;
  constexpr U sign = U{1} << (8 * sizeof(T) - 1);
  add(table, "add.rn." + type, [](T a, T b) { return a + b; });
  add(table, "sub.rn." + type, [](T a, T b) { return a - b; });
  add(table, "mul.rn." + type, [](T a, T b) { return a * b; });
  add(table, "div.rn." + type, [](T a, T b) { return a / b; });
  add(table, "rcp.rn." + type, [](T a) { return T{1} / a; });
  add(table, "sqrt.rn." + type, [](T a) { return std::sqrt(a); });
  add(table, "fma.rn." + type, [](T a, T b, T c) { return std::fma(a, b, c); });
  add(table, "neg." + type, [](U a) { return static_cast<U>(a ^ sign); });
  add(table, "abs." + type, [](U a) { return static_cast<U>(a & ~sign); });
  // Of a number and a NaN the number; -0 below +0.
  add(table, "min." + type, [](T a, T b) { return a == b ? (std::signbit(a) ? a : b) : std::fmin(a, b); });
  add(table, "max." + type, [](T a, T b) { return a == b ? (std::signbit(a) ? b : a) : std::fmax(a, b); });
  add(table, "copysign." + type, [](T sign_of, T a) { return std::copysign(a, sign_of); });
  // Ordered comparisons are false with a NaN, unordered ones (u) true.
  add(table, "setp.eq." + type, [](T a, T b) { return a == b; });
  add(table, "setp.ne." + type, [](T a, T b) { return a < b || a > b; });
  add(table, "setp.lt." + type, [](T a, T b) { return a < b; });
  add(table, "setp.le." + type, [](T a, T b) { return a <= b; });
  add(table, "setp.gt." + type, [](T a, T b) { return a > b; });
  add(table, "setp.ge." + type, [](T a, T b) { return a >= b; });
  add(table, "setp.equ." + type, [](T a, T b) { return !(a < b || a > b); });
  add(table, "setp.neu." + type, [](T a, T b) { return a != b; });
  add(table, "setp.ltu." + type, [](T a, T b) { return !(a >= b); });
  add(table, "setp.leu." + type, [](T a, T b) { return !(a > b); });
  add(table, "setp.gtu." + type, [](T a, T b) { return !(a <= b); });
  add(table, "setp.geu." + type, [](T a, T b) { return !(a < b); });
  add(table, "setp.num." + type, [](T a, T b) { return !std::isunordered(a, b); });
  add(table, "setp.nan." + type, [](T a, T b) { return std::isunordered(a, b); });
  add(table, "cvt.rni." + type + "." + type, [](T a) { return std::nearbyint(a); });
  add(table, "cvt.rzi." + type + "." + type, [](T a) { return std::trunc(a); });
  add(table, "cvt.rmi." + type + "." + type, [](T a) { return std::floor(a); });
  add(table, "cvt.rpi." + type + "." + type, [](T a) { return std::ceil(a); });
}

// A whole number as an integer: cut off at the type's ends. NaN gives 0, with 64 bits on either side the upper bit.
template <class To, class From>
To saturate(From whole) {
  constexpr bool wide = sizeof(To) == 8 || sizeof(From) == 8;
  if (std::isnan(whole)) return wide ? static_cast<To>(std::make_unsigned_t<To>{1} << (8 * sizeof(To) - 1)) : To{0};
  const From end = std::ldexp(From{1}, static_cast<int>(8 * sizeof(To)) - (std::is_signed_v<To> ? 1 : 0));
  if (whole >= end) return std::numeric_limits<To>::max();
  if (whole < static_cast<From>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
  return static_cast<To>(whole);
}

template <class F>
void for_integer_types(const F& f) {
  f.template operator()<u8>("u8");
  f.template operator()<s8>("s8");
  f.template operator()<u16>("u16");
  f.template operator()<s16>("s16");
  f.template operator()<u32>("u32");
  f.template operator()<s32>("s32");
  f.template operator()<u64>("u64");
  f.template operator()<s64>("s64");
}
template <class F>
void for_floating_types(const F& f) {
  f.template operator()<f32>("f32");
  f.template operator()<f64>("f64");
}

void conversions(Table& table) {
  for_integer_types([&]<class To>(const std::string& to) {
    for_integer_types([&]<class From>(const std::string& from) {
      add(table, "cvt." + to + "." + from, [](From a) { return static_cast<To>(a); });
    });
    for_floating_types([&]<class From>(const std::string& from) {
      add(table, "cvt.rni." + to + "." + from, [](From a) { return saturate<To>(std::nearbyint(a)); });
      add(table, "cvt.rzi." + to + "." + from, [](From a) { return saturate<To>(std::trunc(a)); });
      add(table, "cvt.rmi." + to + "." + from, [](From a) { return saturate<To>(std::floor(a)); });
      add(table, "cvt.rpi." + to + "." + from, [](From a) { return saturate<To>(std::ceil(a)); });
      add(table, "cvt.rn." + from + "." + to, [](To a) { return static_cast<From>(a); });
    });
  });
  add(table, "cvt.rn.f32.f64", [](f64 a) { return static_cast<f32>(a); });
  add(table, "cvt.f64.f32", [](f32 a) { return static_cast<f64>(a); });
}

// Copies, and choices between two values.
void moves(Table& table) {
  for (const char* type : {"b16", "u16", "s16", "b32", "u32", "s32", "f32", "b64", "u64", "s64", "f64", "pred"}) {
    add(table, std::string("mov.") + type, [](u64 a) { return a; });
    add(table, std::string("selp.") + type, [](u64 a, u64 b, bool first) { return first ? a : b; });
  }
  add(table, "mov.b32.pack2", [](u16 a, u16 b) { return u32{b} << 16 | a; });
  add(table, "mov.b64.pack2", [](u32 a, u32 b) { return u64{b} << 32 | a; });
  table["mov.b32.unpack2"] = [](u64* slots, const Slot* operand) {
    const auto both = read<u32>(slots[operand[2]]);
    slots[operand[0]] = both & 0xFFFF;
    slots[operand[1]] = both >> 16;
  };
  table["mov.b64.unpack2"] = [](u64* slots, const Slot* operand) {
    const u64 both = slots[operand[2]];
    slots[operand[0]] = both & 0xFFFFFFFF;
    slots[operand[1]] = both >> 32;
  };
}

template <Space space>
void add_space(Table& table, const std::string& name) {
  const bool is_host = space == Space::global;
  const auto same = [](u64 a) { return a; };
  if (is_host) {
    add(table, "cvta." + name + ".u64", same);
    add(table, "cvta.to." + name + ".u64", same);
  } else {
    add(table, "cvta." + name + ".u64", [](u64 a) { return a | window(space); });
    add(table, "cvta.to." + name + ".u64", [](u64 a) { return a & ~(~u64{0} << window_shift); });
  }
}

// What an atomic operation leaves in memory, from what stood there (operand 1) and its operands.
template <class T>
void atomics(Table& table, const std::string& type) {
  add(table, "atom.add." + type, [](T a, T b) { return static_cast<T>(wrap(a) + wrap(b)); });
  add(table, "atom.min." + type, [](T a, T b) { return std::min(a, b); });
  add(table, "atom.max." + type, [](T a, T b) { return std::max(a, b); });
}
template <class T>
void bit_atomics(Table& table, const std::string& type) {
  add(table, "atom.and." + type, [](T a, T b) { return static_cast<T>(a & b); });
  add(table, "atom.or." + type, [](T a, T b) { return static_cast<T>(a | b); });
  add(table, "atom.xor." + type, [](T a, T b) { return static_cast<T>(a ^ b); });
  add(table, "atom.exch." + type, [](T, T b) { return b; });
  add(table, "atom.cas." + type, [](T a, T b, T c) { return a == b ? c : a; });
}

Table make_table() {
  Table table;
  integer_arithmetic<u16>(table, "u16");
  integer_arithmetic<s16>(table, "s16");
  integer_arithmetic<u32>(table, "u32");
  integer_arithmetic<s32>(table, "s32");
  integer_arithmetic<u64>(table, "u64");
  integer_arithmetic<s64>(table, "s64");
  carry_arithmetic<u32>(table, "u32");
  carry_arithmetic<s32>(table, "s32");
  carry_arithmetic<u64>(table, "u64");
  carry_arithmetic<s64>(table, "s64");
  bits<u16>(table, "b16");
  bits<u32>(table, "b32");
  bits<u64>(table, "b64");
  wide_bits<u32>(table, "32");
  wide_bits<u64>(table, "64");
  logic<bool>(table, "pred");
  add(table, "not.pred", [](bool a) { return !a; });
  add_funnel<true, true>(table, "shf.l.wrap.b32");
  add_funnel<true, false>(table, "shf.l.clamp.b32");
  add_funnel<false, true>(table, "shf.r.wrap.b32");
  add_funnel<false, false>(table, "shf.r.clamp.b32");
  add(table, "prmt.b32", [](u32 a, u32 b, u32 selector) { return permute(a, b, selector); });
  add(table, "lop3.b32", [](u32 a, u32 b, u32 c, u32 truth) { return any_logic(a, b, c, truth); });
  floating<f32>(table, "f32");
  floating<f64>(table, "f64");
  conversions(table);
  moves(table);
  add_space<Space::global>(table, "global");
  add_space<Space::global>(table, "const");
  add_space<Space::shared>(table, "shared");
  add_space<Space::local>(table, "local");
  add_space<Space::param>(table, "param");
  atomics<u32>(table, "u32");
  atomics<s32>(table, "s32");
  atomics<u64>(table, "u64");
  atomics<s64>(table, "s64");
  bit_atomics<u32>(table, "b32");
  bit_atomics<u64>(table, "b64");
  return table;
}

}  // namespace

Compute find_compute(const std::string& opcode) {
  static const Table table = make_table();
  const auto found = table.find(opcode);
  return found == table.end() ? nullptr : found->second;
}

}  // namespace clvsim::test::ptx
