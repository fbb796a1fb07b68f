#include "tests/support/ptx/machine.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <span>
#include <utility>

namespace clvsim::test::ptx {

namespace {

constexpr std::uint32_t warp_size = 32;
constexpr std::uint64_t offset_mask = ~(~std::uint64_t{0} << window_shift);

// A thread of a block, its registers apart.
struct Thread {
  enum class State : std::uint8_t { running, at_barrier, at_warp, ended };
  State state = State::running;
  std::uint32_t index = 0;
  std::uint32_t pc = 0;
  std::uint64_t* slots = nullptr;
  std::vector<unsigned char> local;
};

// Who accesses memory, and when.
struct Accessor {
  std::uint32_t block = 0, thread = 0, block_time = 0, warp_time = 0;
};

bool same_thread(const Touch& before, const Accessor& now) {
  return before.block == now.block && before.thread == now.thread;
}
bool same_warp(const Touch& before, const Accessor& now) {
  return before.block == now.block && before.thread / warp_size == now.thread / warp_size;
}

// Whether a barrier of the block stands between everything that touched a byte and `now`.
bool is_separated_for_all(const Touch& before, const Accessor& now) {
  using Scope = Touch::Scope;
  if (before.scope == Scope::nobody) return true;
  if (before.scope == Scope::grid || before.block != now.block) return false;
  return before.block_time < now.block_time;
}

// The same, or a barrier of the warp where no other touched it.
bool is_separated(const Touch& before, const Accessor& now) {
  using Scope = Touch::Scope;
  if (is_separated_for_all(before, now)) return true;
  if (before.scope == Scope::grid || before.block != now.block) return false;
  return before.scope != Scope::block && same_warp(before, now) && before.warp_time < now.warp_time;
}

// Whether it is over before `now`: separated, or earlier in the same thread.
bool is_over(const Touch& before, const Accessor& now) {
  return is_separated(before, now) || (before.scope == Touch::Scope::thread && same_thread(before, now));
}

// Whether `now` finds nothing but atomic accesses before it.
bool is_atomic(const Touch& before, const Accessor& now) {
  return before.atomic && (!before.plain_before || same_warp(before, now));
}

// Adds an access to what is known of a byte.
void note(Touch& touch, const Accessor& now, bool atomic) {
  using Scope = Touch::Scope;
  Scope scope = Scope::thread;
  if (!is_over(touch, now)) {
    const Scope joint = touch.block != now.block ? Scope::grid : same_warp(touch, now) ? Scope::warp : Scope::block;
    scope = std::max(touch.scope, joint);
  }
  if (!is_separated(touch, now)) atomic = atomic && touch.atomic;
  const bool plain_before = !is_separated_for_all(touch, now) && (touch.plain_before || !touch.atomic);
  touch = {scope, atomic, plain_before, now.block, now.thread, now.block_time, now.warp_time};
}

}  // namespace

Device::Device(const Module& module) : module_(&module) { take_back_all(); }

void Device::give(const std::string& name, void* data, std::size_t bytes, bool read_only) {
  const auto begin = reinterpret_cast<std::uintptr_t>(data);
  if (bytes == 0) return;
  const auto next = regions_.upper_bound(begin);
  if (next != regions_.end() && reinterpret_cast<std::uintptr_t>(next->second.data) < begin + bytes) {
    throw Error(name + " overlaps " + next->second.name);
  }
  regions_[begin + bytes] = {name, static_cast<unsigned char*>(data), bytes, read_only, {}};
}

void Device::take_back(const void* data, std::size_t bytes) {
  regions_.erase(reinterpret_cast<std::uintptr_t>(data) + bytes);
}

void Device::take_back_all() {
  regions_.clear();
  for (const auto& variable : module_->variables()) {
    give(variable->name, variable->storage.data(), variable->bytes, false);
  }
}

// A block in execution.
class Block {
 public:
  Block(Device& device, const Kernel& kernel, std::vector<std::uint64_t>& executions, std::uint32_t index,
        std::uint32_t n_blocks, std::uint32_t n_threads, std::vector<unsigned char>& parameters, Region& shared)
      : device_(device),
        kernel_(kernel),
        executions_(executions),
        index_(index),
        parameters_(parameters),
        shared_(shared),
        threads_(n_threads),
        warp_time_((n_threads + warp_size - 1) / warp_size) {
    slots_.reserve(kernel.slots.size() * n_threads);
    for (std::uint32_t t = 0; t < n_threads; ++t) slots_.insert(slots_.end(), kernel.slots.begin(), kernel.slots.end());
    for (std::uint32_t t = 0; t < n_threads; ++t) {
      Thread& thread = threads_[t];
      thread.index = t;
      thread.slots = slots_.data() + kernel.slots.size() * t;
      thread.local.assign(kernel.local_bytes, 0xA5);
      const auto set = [&](Special special, std::uint64_t value) { thread.slots[static_cast<Slot>(special)] = value; };
      set(Special::tid, t);
      set(Special::ntid, n_threads);
      set(Special::ctaid, index);
      set(Special::nctaid, n_blocks);
      set(Special::laneid, t % warp_size);
      set(Special::warpid, t / warp_size);
    }
  }

  void run() {
    std::vector<std::uint32_t> order(threads_.size());
    std::iota(order.begin(), order.end(), 0U);
    if (device_.schedule.reversed) std::reverse(order.begin(), order.end());
    for (;;) {
      bool running = false;
      for (const std::uint32_t t : order) {
        if (threads_[t].state == Thread::State::running) run(threads_[t]);
        running = running || threads_[t].state == Thread::State::running;
      }
      if (running) continue;
      const bool warps_go_on = release_warps();
      if (!warps_go_on && !release_barrier()) return;
    }
  }

 private:
  [[noreturn]] void fail(const Thread& thread, const std::string& what) const {
    const Instruction& at = kernel_.code[thread.pc];
    throw Error("kernel " + kernel_.name + ", line " + std::to_string(at.line) + ", " + at.opcode + ", block " +
                std::to_string(index_) + ", thread " + std::to_string(thread.index) + ": " + what);
  }

  // Until the thread ends, waits, or has used its turn.
  void run(Thread& thread) {
    const std::uint64_t turn = device_.schedule.quantum == 0 ? most_instructions : device_.schedule.quantum;
    std::uint64_t n = 0;
    for (; n < turn && thread.state == Thread::State::running; ++n) {
      const Instruction& now = kernel_.code[thread.pc];
      ++executions_[thread.pc];
      if (now.guarded && (thread.slots[now.guard] != 0) == now.negated) {
        ++thread.pc;
        continue;
      }
      switch (now.kind) {
        case Kind::compute:
          now.compute(thread.slots, now.operand.data());
          break;
        case Kind::load:
          load(thread, now);
          break;
        case Kind::store:
          store(thread, now);
          break;
        case Kind::atomic:
          atomic(thread, now);
          break;
        case Kind::branch:
          thread.pc = now.target;
          continue;
        case Kind::exit:
          thread.state = Thread::State::ended;
          continue;
        case Kind::barrier:
          thread.state = Thread::State::at_barrier;
          continue;
        case Kind::warp:
          thread.state = Thread::State::at_warp;
          continue;
      }
      ++thread.pc;
    }
    device_.n_executed_ += n;
    n_executed_ += n;
    if (n_executed_ > most_instructions) fail(thread, "the block does not end");
  }

  // All threads that have not ended must wait at one and the same barrier. False where all have ended.
  bool release_barrier() {
    const Thread* first = nullptr;
    for (const Thread& thread : threads_) {
      if (thread.state == Thread::State::at_warp) fail(thread, "waits for lanes that never come");
      if (thread.state != Thread::State::at_barrier) continue;
      if (first == nullptr) first = &thread;
      if (thread.pc != first->pc) {
        fail(thread,
             "threads wait at different barriers, the other at line " + std::to_string(kernel_.code[first->pc].line));
      }
    }
    if (first == nullptr) return false;
    const Instruction& barrier = kernel_.code[first->pc];
    std::uint64_t n = 0, n_true = 0;
    for (const Thread& thread : threads_) {
      if (thread.state == Thread::State::ended) continue;
      ++n;
      if (thread.slots[barrier.operand[1]] != 0) ++n_true;
    }
    for (Thread& thread : threads_) {
      if (thread.state == Thread::State::ended) continue;
      switch (barrier.barrier) {
        case BarrierOperation::sync:
          break;
        case BarrierOperation::popc:
          thread.slots[barrier.operand[0]] = n_true;
          break;
        case BarrierOperation::all:
          thread.slots[barrier.operand[0]] = n_true == n ? 1 : 0;
          break;
        case BarrierOperation::any:
          thread.slots[barrier.operand[0]] = n_true != 0 ? 1 : 0;
          break;
      }
      go_on(thread);
    }
    ++block_time_;
    return true;
  }

  static void go_on(Thread& thread) {
    ++thread.pc;
    thread.state = Thread::State::running;
  }

  // Lets those lanes go on whose whole mask waits at the same instruction. False where there are none.
  bool release_warps() {
    bool any = false;
    for (std::size_t warp = 0; warp < warp_time_.size(); ++warp) {
      const std::size_t first = warp * warp_size;
      const std::span<Thread> lanes(threads_.data() + first, std::min<std::size_t>(warp_size, threads_.size() - first));
      for (Thread& thread : lanes) {
        if (thread.state != Thread::State::at_warp) continue;
        const Instruction& now = kernel_.code[thread.pc];
        const auto mask = static_cast<std::uint32_t>(thread.slots[now.operand[2]]);
        const std::uint32_t lane = thread.index % warp_size;
        if ((mask >> lane & 1U) == 0) fail(thread, "the lane is not in its own mask");
        std::uint32_t present = 0;
        for (const Thread& other : lanes) {
          const bool waits = other.state == Thread::State::at_warp && other.pc == thread.pc &&
                             static_cast<std::uint32_t>(other.slots[now.operand[2]]) == mask;
          if (waits || other.state == Thread::State::ended) present |= 1U << (other.index % warp_size);
        }
        if ((mask & ~present) != 0) continue;
        exchange(lanes, now, mask);
        ++warp_time_[warp];
        any = true;
      }
    }
    return any;
  }

  // A warp's operation, for the lanes of `mask`, all of which wait at it.
  void exchange(std::span<Thread> lanes, const Instruction& now, std::uint32_t mask) {
    const auto takes_part = [&](std::size_t lane) {
      return lane < lanes.size() && (mask >> lane & 1U) != 0 && lanes[lane].state == Thread::State::at_warp;
    };
    std::array<std::uint64_t, warp_size> value{};
    std::uint32_t true_lanes = 0, all_lanes = 0;
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
      if (!takes_part(lane)) continue;
      value[lane] = lanes[lane].slots[now.operand[1]];
      all_lanes |= 1U << lane;
      if (value[lane] != 0) true_lanes |= 1U << lane;
    }
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
      if (!takes_part(lane)) continue;
      Thread& thread = lanes[lane];
      switch (now.warp) {
        case WarpOperation::sync:
          break;
        case WarpOperation::ballot:
          thread.slots[now.operand[0]] = true_lanes;
          break;
        case WarpOperation::any:
          thread.slots[now.operand[0]] = true_lanes != 0 ? 1 : 0;
          break;
        case WarpOperation::all:
          thread.slots[now.operand[0]] = true_lanes == all_lanes ? 1 : 0;
          break;
        default: {
          const auto [from, in_range] = source(thread, now, static_cast<std::uint32_t>(lane));
          if (!takes_part(from)) fail(thread, "reads a lane that does not take part");
          thread.slots[now.operand[0]] = value[from] & 0xFFFFFFFF;
          if (now.second_result != carry_slot) thread.slots[now.second_result] = in_range ? 1 : 0;
        }
      }
    }
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
      if (takes_part(lane)) go_on(lanes[lane]);
    }
  }

  // The lane that a shuffle reads, and whether it is in range (PTX ISA 9.0, section 9.7.9.6).
  static std::pair<std::uint32_t, bool> source(const Thread& thread, const Instruction& now, std::uint32_t lane) {
    const auto b = static_cast<std::uint32_t>(thread.slots[now.operand[3]]) & 31;
    const auto c = static_cast<std::uint32_t>(thread.slots[now.operand[4]]);
    const std::uint32_t clamp = c & 31, segment = c >> 8 & 31;
    const std::uint32_t most = (lane & segment) | (clamp & ~segment), least = lane & segment;
    std::uint32_t from = lane;
    bool in_range = false;
    switch (now.warp) {
      case WarpOperation::shuffle_up:
        in_range = lane >= b && lane - b >= most;
        from = lane - b;
        break;
      case WarpOperation::shuffle_down:
        from = lane + b;
        in_range = from <= most;
        break;
      case WarpOperation::shuffle_bfly:
        from = lane ^ b;
        in_range = from <= most;
        break;
      default:
        from = least | (b & ~segment);
        in_range = from <= most;
    }
    return {in_range ? from : lane, in_range};
  }

  enum class Use : std::uint8_t { read, write, atomic };

  // The bytes at an address, checked.
  unsigned char* at(Thread& thread, const Instruction& now, std::size_t bytes, Use use) {
    std::uint64_t address = thread.slots[now.operand[0]] + static_cast<std::uint64_t>(now.offset);
    Space space = now.space;
    if (space == Space::generic) {
      space = Space::global;
      for (const Space other : {Space::shared, Space::local, Space::param}) {
        if ((address & ~offset_mask) == window(other)) space = other;
      }
      if (space != Space::global) address &= offset_mask;
    }
    if (address % bytes != 0) fail(thread, "address " + std::to_string(address) + " is not aligned");
    switch (space) {
      case Space::shared:
        return in(thread, shared_, address, bytes, use);
      case Space::local:
        return in(thread, "local memory", thread.local, address, bytes);
      case Space::param:
        if (use != Use::read) fail(thread, "writes a parameter");
        return in(thread, "parameters", parameters_, address, bytes);
      default:
        break;
    }
    const auto found = device_.regions_.upper_bound(address);
    if (found == device_.regions_.end() || reinterpret_cast<std::uintptr_t>(found->second.data) > address) {
      fail(thread, "address " + std::to_string(address) + " is in no array");
    }
    Region& region = found->second;
    if (region.read_only && use != Use::read) fail(thread, "writes " + region.name);
    return in(thread, region, address - reinterpret_cast<std::uintptr_t>(region.data), bytes, use);
  }

  unsigned char* in(const Thread& thread, const char* name, std::vector<unsigned char>& bytes_there,
                    std::uint64_t offset, std::size_t bytes) const {
    if (offset > bytes_there.size() || bytes_there.size() - offset < bytes) {
      fail(thread, "byte " + std::to_string(offset) + " of " + std::to_string(bytes_there.size()) + " of " + name);
    }
    return bytes_there.data() + offset;
  }

  unsigned char* in(const Thread& thread, Region& region, std::uint64_t offset, std::size_t bytes, Use use) {
    if (offset > region.bytes || region.bytes - offset < bytes) {
      fail(thread, "byte " + std::to_string(offset) + " of " + std::to_string(region.bytes) + " of " + region.name);
    }
    if (!region.read_only) watch(thread, region, offset, bytes, use);
    return region.data + offset;
  }

  // Notes an access, and fails where it races with an earlier one.
  void watch(const Thread& thread, Region& region, std::uint64_t offset, std::size_t bytes, Use use) {
    const Accessor now{index_, thread.index, block_time_, warp_time_[thread.index / warp_size]};
    const bool atomic = use == Use::atomic;
    for (std::size_t i = 0; i < bytes; ++i) {
      Shadow& shadow = region.shadow.at(offset + i);
      const bool clash_with_write = !is_over(shadow.write, now) && !(atomic && is_atomic(shadow.write, now));
      const bool clash_with_read = use != Use::read && !is_over(shadow.read, now);
      if (clash_with_write || clash_with_read) {
        const Touch& other = clash_with_write ? shadow.write : shadow.read;
        fail(thread, "races with a " + std::string(clash_with_write ? "write" : "read") + " by block " +
                         std::to_string(other.block) + ", thread " + std::to_string(other.thread) + " at byte " +
                         std::to_string(offset + i) + " of " + region.name);
      }
      note(use == Use::read ? shadow.read : shadow.write, now, atomic);
    }
  }

  static std::uint64_t element(const unsigned char* from, const Instruction& now) {
    std::uint64_t value = 0;
    std::memcpy(&value, from, now.bytes);
    const unsigned unused = 64 - 8U * now.bytes;
    if (now.is_signed) return static_cast<std::uint64_t>(static_cast<std::int64_t>(value << unused) >> unused);
    return value;
  }

  void load(Thread& thread, const Instruction& now) {
    const unsigned char* from = at(thread, now, std::size_t{now.bytes} * now.n_parts, Use::read);
    for (std::size_t i = 0; i < now.n_parts; ++i) {
      thread.slots[now.operand[1 + i]] = element(from + i * now.bytes, now);
    }
  }

  void store(Thread& thread, const Instruction& now) {
    unsigned char* to = at(thread, now, std::size_t{now.bytes} * now.n_parts, Use::write);
    for (std::size_t i = 0; i < now.n_parts; ++i) {
      std::memcpy(to + i * now.bytes, &thread.slots[now.operand[1 + i]], now.bytes);
    }
  }

  void atomic(Thread& thread, const Instruction& now) {
    unsigned char* there = at(thread, now, now.bytes, Use::atomic);
    // Result, what stood there, and the operands.
    std::array<std::uint64_t, 4> values{0, element(there, now), thread.slots[now.operand[1]],
                                        thread.slots[now.operand[2]]};
    constexpr std::array<Slot, 4> order = {0, 1, 2, 3};
    now.compute(values.data(), order.data());
    std::memcpy(there, values.data(), now.bytes);
    if (now.has_result) thread.slots[now.operand[3]] = values[1];
  }

  Device& device_;
  const Kernel& kernel_;
  std::vector<std::uint64_t>& executions_;
  std::uint32_t index_;
  std::vector<unsigned char>& parameters_;
  Region& shared_;
  std::vector<std::uint64_t> slots_;
  std::vector<Thread> threads_;
  std::uint32_t block_time_ = 0;          // barriers passed
  std::vector<std::uint32_t> warp_time_;  // [warp]
  std::uint64_t n_executed_ = 0;
};

const std::vector<std::uint64_t>& Device::executions(const std::string& kernel) {
  std::vector<std::uint64_t>& executions = executions_[kernel];
  executions.resize(module_->kernel(kernel).code.size());
  return executions;
}

double Device::share_executed(const std::string& kernel) {
  const std::vector<std::uint64_t>& counts = executions(kernel);
  const auto n = std::count_if(counts.begin(), counts.end(), [](std::uint64_t count) { return count != 0; });
  return static_cast<double>(n) / static_cast<double>(counts.size());
}

void Device::launch_bytes(const std::string& name, std::uint32_t blocks, std::uint32_t threads,
                          std::size_t dynamic_shared, const std::vector<std::vector<unsigned char>>& arguments) {
  const Kernel& kernel = module_->kernel(name);
  if (threads == 0 || threads > kernel.max_threads) {
    throw Error("kernel " + name + ": " + std::to_string(threads) + " threads, of at most " +
                std::to_string(kernel.max_threads));
  }
  if (arguments.size() != kernel.parameters.size()) {
    throw Error("kernel " + name + " has " + std::to_string(kernel.parameters.size()) + " parameters, not " +
                std::to_string(arguments.size()));
  }
  std::vector<unsigned char> parameters(kernel.parameter_bytes);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const Parameter& parameter = kernel.parameters[i];
    if (arguments[i].size() != parameter.bytes) {
      throw Error("kernel " + name + ": parameter " + std::to_string(i) + " has " + std::to_string(parameter.bytes) +
                  " bytes, not " + std::to_string(arguments[i].size()));
    }
    std::copy(arguments[i].begin(), arguments[i].end(),
              parameters.begin() + static_cast<std::ptrdiff_t>(parameter.offset));
  }
  // A launch begins when the one before is over.
  for (auto& [end, region] : regions_) region.shadow.clear();
  std::vector<std::uint64_t>& counts = executions_[name];
  counts.resize(kernel.code.size());
  std::vector<unsigned char> shared_bytes(kernel.shared_bytes + dynamic_shared);
  for (std::uint32_t b = 0; b < blocks; ++b) {
    std::fill(shared_bytes.begin(), shared_bytes.end(), std::uint8_t{0xA5});  // nothing may be expected there
    Region shared{"shared memory", shared_bytes.data(), shared_bytes.size(), false, {}};
    Block(*this, kernel, counts, b, blocks, threads, parameters, shared).run();
  }
}

}  // namespace clvsim::test::ptx
