#include "host/ingest/row_sorter.hpp"

#include "host/base/buffer.hpp"
#include "host/ingest/temporary_file.hpp"

#include <clvsim/error.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <compare>
#include <cstddef>
#include <cstring>
#include <limits>
#include <system_error>
#include <utility>
#include <vector>

namespace clvsim {
namespace {

constexpr std::size_t prefix_bytes = 8;

// The first bytes of a key as a number that orders like them.
std::uint64_t prefix_of(std::string_view key) {
  unsigned char bytes[prefix_bytes] = {};
  std::memcpy(bytes, key.data(), std::min(key.size(), prefix_bytes));
  std::uint64_t value = 0;
  for (const unsigned char byte : bytes) value = value << 8 | byte;
  return value;
}

std::strong_ordering compare_keys(std::string_view a, std::string_view b) {
  const int order = std::memcmp(a.data(), b.data(), std::min(a.size(), b.size()));
  return order != 0 ? order <=> 0 : a.size() <=> b.size();
}

// The order of two rows of one customer.
std::strong_ordering compare_values(const LogRow& a, const LogRow& b) {
  if (const auto order = a.day <=> b.day; order != 0) return order;
  if (const auto order = (a.amount < 0) <=> (b.amount < 0); order != 0) return order;
  if (const auto order = a.amount <=> b.amount; order != 0) return order;
  if (const auto order = a.cost <=> b.cost; order != 0) return order;
  return a.quantity <=> b.quantity;
}

bool before(const LogRow& a, const LogRow& b) {
  if (a.holdout != b.holdout) return b.holdout;
  const auto order = compare_keys(a.key, b.key);
  return order != 0 ? order < 0 : compare_values(a, b) < 0;
}

// Rows as bytes, in memory and in the temporary file: a fixed part, the extras where there are any, the covariates, the
// key.
class RowFormat {
 public:
  RowFormat(bool extras, std::size_t n_covariates)
      : extras_(extras),
        covariate_bytes_(n_covariates * sizeof(double)),
        fixed_bytes_(sizeof(Fixed) + (extras ? sizeof(Extras) : 0) + covariate_bytes_) {}

  [[nodiscard]] std::size_t most_bytes() const { return fixed_bytes_ + std::numeric_limits<std::uint16_t>::max(); }
  [[nodiscard]] std::size_t least_bytes() const { return fixed_bytes_; }
  // Bytes of the row at `at`, of which least_bytes() must be there.
  [[nodiscard]] std::size_t bytes_of(const char* at) const {
    Fixed fixed;
    std::memcpy(&fixed, at, sizeof fixed);
    return fixed_bytes_ + fixed.key_bytes;
  }
  [[nodiscard]] LogRow unpack(const char* at) const {
    Fixed fixed;
    std::memcpy(&fixed, at, sizeof fixed);
    LogRow row;
    row.key = {at + fixed_bytes_, fixed.key_bytes};
    row.holdout = (fixed.flags & is_holdout) != 0;
    row.day = fixed.day;
    row.amount = fixed.amount;
    row.churned = (fixed.flags & has_churned) != 0;
    if (extras_) {
      Extras extras;
      std::memcpy(&extras, at + sizeof fixed, sizeof extras);
      row.cost = extras.cost;
      row.quantity = extras.quantity;
      row.segment = extras.segment;
    }
    row.covariates = {at + fixed_bytes_ - covariate_bytes_, covariate_bytes_};
    return row;
  }
  // Appends the row to a std::vector<char> or std::string.
  template <typename Bytes>
  void pack(const LogRow& row, Bytes& into) const {
    const std::size_t from = into.size();
    into.resize(from + fixed_bytes_ + row.key.size());
    char* at = into.data() + from;
    const auto flags = static_cast<std::uint16_t>((row.holdout ? is_holdout : 0U) | (row.churned ? has_churned : 0U));
    const Fixed fixed{row.amount, row.day, static_cast<std::uint16_t>(row.key.size()), flags};
    std::memcpy(at, &fixed, sizeof fixed);
    if (extras_) {
      const Extras extras{row.cost, row.quantity, row.segment, 0};
      std::memcpy(at + sizeof fixed, &extras, sizeof extras);
    }
    if (covariate_bytes_ > 0)
      std::memcpy(at + fixed_bytes_ - covariate_bytes_, row.covariates.data(), covariate_bytes_);
    std::memcpy(at + fixed_bytes_, row.key.data(), row.key.size());
  }

 private:
  static constexpr unsigned is_holdout = 1, has_churned = 2;
  struct Fixed {
    MinorUnits amount;
    std::int32_t day;
    std::uint16_t key_bytes;
    std::uint16_t flags;
  };
  struct Extras {
    MinorUnits cost;
    std::int64_t quantity;
    std::uint32_t segment, unused;
  };
  bool extras_;
  std::size_t covariate_bytes_, fixed_bytes_;
};

struct Run {
  std::int64_t begin = 0, end = 0;  // bytes of the temporary file
};

// Reads the rows of a run, one block at a time.
class RunReader {
 public:
  RunReader(const TemporaryFile& file, const RowFormat& format, Run run, std::size_t block_bytes)
      : file_(&file), format_(format), run_(run) {
    block_.resize(std::max(block_bytes, format.most_bytes()));
  }
  bool next() {
    at_ = next_;
    if (end_ - at_ < format_.least_bytes() || end_ - at_ < format_.bytes_of(block_.data() + at_)) {
      if (!load()) return false;
    }
    row_ = format_.unpack(block_.data() + at_);
    next_ = at_ + format_.least_bytes() + row_.key.size();
    prefix_ = prefix_of(row_.key);
    return true;
  }
  [[nodiscard]] const LogRow& row() const { return row_; }
  [[nodiscard]] bool is_before(const RunReader& other) const {
    if (row_.holdout == other.row_.holdout && prefix_ != other.prefix_) return prefix_ < other.prefix_;
    return before(row_, other.row_);
  }

 private:
  // Moves the rest to the front and fills the block; false where no row is left.
  bool load() {
    std::memmove(block_.data(), block_.data() + at_, end_ - at_);
    end_ -= at_;
    at_ = 0;
    while (end_ < block_.size() && run_.begin < run_.end) {
      const auto wanted =
          std::min<std::int64_t>(static_cast<std::int64_t>(block_.size() - end_), run_.end - run_.begin);
      const std::size_t got = file_->read(run_.begin, block_.data() + end_, static_cast<std::size_t>(wanted));
      if (got == 0)
        throw IoError("the temporary file of the sort has become shorter; is another program truncating files?");
      run_.begin += static_cast<std::int64_t>(got);
      end_ += got;
    }
    return end_ > 0;
  }

  const TemporaryFile* file_;
  RowFormat format_;
  Run run_;
  std::vector<char> block_;
  std::size_t at_ = 0, next_ = 0, end_ = 0;  // this row, the next one, the end of what is loaded
  LogRow row_;
  std::uint64_t prefix_ = 0;
};

// Merges runs by a binary heap of their readers.
class Merger {
 public:
  Merger(const TemporaryFile& file, const RowFormat& format, const Run* first, const Run* last,
         std::size_t block_bytes) {
    for (const Run* run = first; run != last; ++run) readers_.emplace_back(file, format, *run, block_bytes);
    for (RunReader& reader : readers_)
      if (reader.next()) heap_.push_back(&reader);
    std::make_heap(heap_.begin(), heap_.end(), after);
  }
  bool next(LogRow& row) {
    if (started_) {
      if (heap_.front()->next()) {
        sift_down();
      } else {
        std::pop_heap(heap_.begin(), heap_.end(), after);
        heap_.pop_back();
      }
    }
    started_ = !heap_.empty();
    if (started_) row = heap_.front()->row();
    return started_;
  }

 private:
  static bool after(const RunReader* a, const RunReader* b) { return b->is_before(*a); }
  // The first reader has moved on: restores the heap below it.
  void sift_down() {
    RunReader* const moved = heap_.front();
    std::size_t at = 0;
    for (std::size_t child = 1; child < heap_.size(); child = 2 * at + 1) {
      if (child + 1 < heap_.size() && heap_[child + 1]->is_before(*heap_[child])) ++child;
      if (!heap_[child]->is_before(*moved)) break;
      heap_[at] = heap_[child];
      at = child;
    }
    heap_[at] = moved;
  }

  std::vector<RunReader> readers_;
  std::vector<RunReader*> heap_;
  bool started_ = false;
};

struct OrderEntry {
  std::uint64_t key;
  std::uint32_t offset;
};

// Maps rows in memory to numbers in the order of the rows: the holdout flag, then of the key's bytes the bits in which
// the rows differ, and, where these are all of the key's, those of the day. Rows of equal numbers remain to be
// compared.
class OrderKeys {
 public:
  OrderKeys(const std::vector<char>& arena, const RowFormat& format, const std::vector<std::uint32_t>& offsets) {
    if (offsets.empty()) return;
    const LogRow first = format.unpack(arena.data() + offsets.front());
    std::array<unsigned char, most_bytes> differ{}, pattern{};
    std::size_t longest = 0;
    pad(first.key, pattern);
    for (const std::uint32_t offset : offsets) {
      const LogRow row = format.unpack(arena.data() + offset);
      std::array<unsigned char, most_bytes> bytes{};
      pad(row.key, bytes);
      for (std::size_t i = 0; i < most_bytes; ++i)
        differ[i] = static_cast<unsigned char>(differ[i] | (bytes[i] ^ pattern[i]));
      longest = std::max(longest, row.key.size());
      first_day_ = std::min(first_day_, row.day);
      last_day_ = std::max(last_day_, row.day);
    }
    n_bits_ = 1;  // the holdout flag
    bool complete = longest <= most_bytes;
    for (std::size_t i = 0; i < most_bytes && complete; ++i) {
      const int n = std::popcount(differ[i]);
      if (n == 0) continue;
      complete = n_bits_ + n <= 64;
      if (complete) add_byte(i, differ[i], n);
    }
    const int n_day_bits = std::bit_width(static_cast<std::uint32_t>(last_day_ - first_day_));
    if (complete && n_bits_ + n_day_bits <= 64) {
      day_bits_ = n_day_bits;
      n_bits_ += n_day_bits;
    }
  }

  [[nodiscard]] int n_bits() const { return n_bits_; }
  [[nodiscard]] std::uint64_t of(const LogRow& row) const {
    std::uint64_t key = row.holdout ? 1 : 0;
    for (const Byte& byte : bytes_) {
      const unsigned char c = byte.at < row.key.size() ? static_cast<unsigned char>(row.key[byte.at]) : 0;
      key = key << byte.n_bits | byte.value[c];
    }
    return day_bits_ == 0 ? key : key << day_bits_ | static_cast<std::uint32_t>(row.day - first_day_);
  }

 private:
  static constexpr std::size_t most_bytes = 32;
  struct Byte {
    std::size_t at;
    int n_bits;
    std::array<unsigned char, 256> value;  // the bits in which the rows differ, moved together
  };

  static void pad(std::string_view key, std::array<unsigned char, most_bytes>& bytes) {
    std::memcpy(bytes.data(), key.data(), std::min(key.size(), most_bytes));
  }
  void add_byte(std::size_t at, unsigned char differ, int n) {
    Byte byte{at, n, {}};
    for (unsigned c = 0; c < 256; ++c) {
      unsigned value = 0;
      for (int bit = 7; bit >= 0; --bit)
        if ((differ >> bit & 1) != 0) value = value << 1 | (c >> bit & 1);
      byte.value[c] = static_cast<unsigned char>(value);
    }
    bytes_.push_back(byte);
    n_bits_ += n;
  }

  std::vector<Byte> bytes_;
  int n_bits_ = 1, day_bits_ = 0;
  std::int32_t first_day_ = std::numeric_limits<std::int32_t>::max(),
               last_day_ = std::numeric_limits<std::int32_t>::min();
};

// Sorts by the low `n_bits` of the keys, least significant digit first. Thrust's host backend takes five times as long:
// it sorts by all 64 bits, and values and keys apart.
void radix_sort(std::vector<OrderEntry>& entries, std::vector<OrderEntry>& scratch, int n_bits) {
  constexpr int digit_bits = 11;
  constexpr std::size_t n_digits = std::size_t{1} << digit_bits;
  resize_anew(scratch, entries.size());
  for (int shift = 0; shift < n_bits; shift += digit_bits) {
    const auto digit = [shift](const OrderEntry& entry) { return entry.key >> shift & (n_digits - 1); };
    std::array<std::uint32_t, n_digits> place{};
    for (const OrderEntry& entry : entries) ++place[digit(entry)];
    std::uint32_t sum = 0;
    for (std::uint32_t& n : place) sum += std::exchange(n, sum);
    for (const OrderEntry& entry : entries) scratch[place[digit(entry)]++] = entry;
    entries.swap(scratch);
  }
}

}  // namespace

struct RowSorter::Impl {
  explicit Impl(const RowSorterOptions& given) : options(given), format(given.extras, given.n_covariates) {}

  RowSorterOptions options;
  RowFormat format;
  std::vector<char> arena;             // packed rows
  std::vector<std::uint32_t> offsets;  // of each packed row in the arena
  std::vector<OrderEntry> entries, scratch;
  std::unique_ptr<TemporaryFile> file;
  std::vector<Run> runs;
  std::unique_ptr<Merger> merger;
  std::size_t at = 0;
  std::int64_t n_rows = 0, n_runs_written = 0;
  bool sealed = false;

  // Bytes a row costs in memory besides its packed bytes: its offset, and its entry twice while they are sorted.
  static constexpr std::size_t index_bytes = sizeof(std::uint32_t) + 2 * sizeof(OrderEntry);

  [[nodiscard]] bool full() const {
    return arena.size() + offsets.size() * index_bytes >= options.memory ||
           arena.size() > std::numeric_limits<std::uint32_t>::max() - (std::size_t{1} << 17);
  }

  // Sorts `offsets`: by their order keys, then row by row among equal ones.
  void sort_memory() {
    const OrderKeys keys(arena, format, offsets);
    resize_anew(entries, offsets.size());
    for (std::size_t i = 0; i < offsets.size(); ++i)
      entries[i] = {keys.of(format.unpack(arena.data() + offsets[i])), offsets[i]};
    radix_sort(entries, scratch, keys.n_bits());
    const auto row_before = [this](const OrderEntry& a, const OrderEntry& b) {
      return before(format.unpack(arena.data() + a.offset), format.unpack(arena.data() + b.offset));
    };
    for (std::size_t from = 0; from < entries.size();) {
      std::size_t to = from + 1;
      while (to < entries.size() && entries[to].key == entries[from].key) ++to;
      if (to - from > 1)
        std::sort(entries.begin() + static_cast<std::ptrdiff_t>(from),
                  entries.begin() + static_cast<std::ptrdiff_t>(to), row_before);
      from = to;
    }
    for (std::size_t i = 0; i < offsets.size(); ++i) offsets[i] = entries[i].offset;
  }

  void spill() {
    sort_memory();
    if (!file) file = std::make_unique<TemporaryFile>(options.temporary_folder);
    constexpr std::size_t write_bytes = std::size_t{1} << 20;
    std::string out;
    out.reserve(write_bytes + (std::size_t{1} << 17));
    const std::int64_t begin = file->size();
    for (const std::uint32_t offset : offsets) {
      const char* const row = arena.data() + offset;
      out.append(row, format.bytes_of(row));
      if (out.size() >= write_bytes) {
        file->append(out);
        out.clear();
      }
    }
    file->append(out);
    runs.push_back({begin, file->size()});
    ++n_runs_written;
    arena.clear();
    offsets.clear();
  }

  [[nodiscard]] std::size_t block_bytes(std::size_t n_runs) const {
    constexpr std::size_t least = std::size_t{1} << 16, most = std::size_t{1} << 20;
    return std::clamp(options.memory / std::max<std::size_t>(n_runs, 1), least, most);
  }

  // Merges groups of runs into longer ones until one merge can read them all.
  void reduce_runs() {
    const auto fan_in = static_cast<std::size_t>(std::max(options.fan_in, 2));
    while (runs.size() > fan_in) {
      auto merged = std::make_unique<TemporaryFile>(options.temporary_folder);
      std::vector<Run> merged_runs;
      for (std::size_t from = 0; from < runs.size(); from += fan_in) {
        const std::size_t to = std::min(from + fan_in, runs.size());
        Merger group(*file, format, runs.data() + from, runs.data() + to, block_bytes(to - from));
        const std::int64_t begin = merged->size();
        std::string out;
        LogRow row;
        while (group.next(row)) {
          format.pack(row, out);
          if (out.size() >= (std::size_t{1} << 20)) {
            merged->append(out);
            out.clear();
          }
        }
        merged->append(out);
        merged_runs.push_back({begin, merged->size()});
        ++n_runs_written;
      }
      file = std::move(merged);
      runs = std::move(merged_runs);
    }
  }
};

RowSorter::RowSorter(const RowSorterOptions& options) : impl_(std::make_unique<Impl>(options)) {
  // Address space alone until rows come: growing by doubling would hold three times as much at the worst moment.
  impl_->arena.reserve(std::min(options.memory + (std::size_t{1} << 17), std::size_t{1} << 32));
}
RowSorter::~RowSorter() = default;

void RowSorter::add(const LogRow& row) {
  if (impl_->full()) impl_->spill();
  impl_->offsets.push_back(static_cast<std::uint32_t>(impl_->arena.size()));
  impl_->format.pack(row, impl_->arena);
  ++impl_->n_rows;
}

void RowSorter::rewind() {
  if (!impl_->sealed) {
    impl_->sealed = true;
    if (impl_->runs.empty()) {
      impl_->sort_memory();
    } else {
      if (!impl_->offsets.empty()) impl_->spill();
      release(impl_->arena);
      release(impl_->offsets);
      impl_->reduce_runs();
    }
    release(impl_->entries);
    release(impl_->scratch);
  }
  impl_->at = 0;
  impl_->merger.reset();
  if (!impl_->runs.empty())
    impl_->merger =
        std::make_unique<Merger>(*impl_->file, impl_->format, impl_->runs.data(),
                                 impl_->runs.data() + impl_->runs.size(), impl_->block_bytes(impl_->runs.size()));
}

bool RowSorter::next(LogRow& row) {
  if (impl_->merger) return impl_->merger->next(row);
  if (impl_->at == impl_->offsets.size()) return false;
  row = impl_->format.unpack(impl_->arena.data() + impl_->offsets[impl_->at++]);
  return true;
}

std::int64_t RowSorter::size() const { return impl_->n_rows; }
std::int64_t RowSorter::n_runs_written() const { return impl_->n_runs_written; }

}  // namespace clvsim
