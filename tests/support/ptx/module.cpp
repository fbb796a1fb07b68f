#include "tests/support/ptx/module.hpp"

#include "tests/support/ptx/decode.hpp"
#include "tests/support/ptx/tokens.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

namespace clvsim::test::ptx {

namespace {

constexpr std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

constexpr std::uint64_t garbage = 0xBAD0BAD1BAD2BAD3;  // what a register holds before it is written

// A variable's declaration after its space: [.align n] .type name[n], ...
struct Declared {
  std::string name;
  std::size_t bytes = 0, align = 1;
};

}  // namespace

class Parser {
 public:
  Parser(const std::string& text, Module& module) : module_(module), tokens_(tokens_of(text)) {}

  void module() {
    while (at_ < tokens_.size()) {
      const std::string word = next();
      if (word == ".version" || word == ".target" || word == ".address_size") {
        skip_directive(word);
      } else if (word == ".entry") {
        kernel();
      } else if (word == ".func") {
        skip_function();
      } else if (word == ".global" || word == ".const") {
        variable();
      } else if (word == ".shared") {
        const Declared declared = declaration();
        module_shared_.push_back(declared);
        expect(";");
      } else if (word != ".visible" && word != ".weak" && word != ".extern" && word != ".common" && word != ";") {
        fail("unknown directive " + word);
      }
    }
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    const std::uint32_t line = tokens_.empty() ? 0 : tokens_[std::min(at_ == 0 ? 0 : at_ - 1, tokens_.size() - 1)].line;
    throw Error(module_.name_ + ":" + std::to_string(line) + ": " + what +
                (kernel_ == nullptr ? "" : " in kernel " + kernel_->name));
  }

  [[nodiscard]] const std::string& peek() const {
    if (at_ >= tokens_.size()) fail("the text ends too early");
    return tokens_[at_].text;
  }
  std::string next() {
    std::string word = peek();
    ++at_;
    return word;
  }
  bool accept(const std::string& word) {
    if (peek() != word) return false;
    ++at_;
    return true;
  }
  void expect(const std::string& word) {
    const std::string found = next();
    if (found != word) fail("expected " + word + " but found " + found);
  }
  std::uint64_t integer() {
    const bool minus = accept("-");
    const std::string word = next();
    const std::optional<std::uint64_t> value = number(word);
    if (!value) fail("expected a number but found " + word);
    return minus ? 0 - *value : *value;
  }

  // Directives without a semicolon: all up to the end of their line, .target's list included.
  void skip_directive(const std::string&) {
    const std::uint32_t line = tokens_[at_ - 1].line;
    while (at_ < tokens_.size() && tokens_[at_].line == line) ++at_;
  }
  void skip_block() {
    expect("{");
    for (int depth = 1; depth > 0;) {
      const std::string word = next();
      depth += word == "{" ? 1 : word == "}" ? -1 : 0;
    }
  }
  void skip_function() {  // a call of it is an unknown instruction
    while (peek() != "{" && peek() != ";") ++at_;
    if (!accept(";")) skip_block();
  }

  Declared declaration() {
    Declared declared;
    std::string word = next();
    if (word == ".align") {
      declared.align = integer();
      word = next();
    }
    std::size_t n = 1;
    if (word == ".v2" || word == ".v4") {
      n = word == ".v2" ? 2 : 4;
      word = next();
    }
    const std::size_t bytes = bytes_of(word.substr(1));
    if (bytes == 0) fail("unknown type " + word);
    declared.align = std::max(declared.align, bytes);
    word = next();
    if (word == ".ptr") {  // what a pointer points to
      word = next();
      while (word[0] == '.') {
        if (word == ".align") integer();
        word = next();
      }
    }
    declared.name = word;
    while (accept("[")) {
      if (accept("]")) {
        n = 0;  // its size comes with the launch
      } else {
        n *= integer();
        expect("]");
      }
    }
    declared.bytes = bytes * n;
    return declared;
  }

  void variable() {
    const std::size_t type_at = peek() == ".align" ? at_ + 2 : at_;
    const std::size_t element = bytes_of(tokens_.at(type_at).text.substr(1));
    const Declared declared = declaration();
    auto made = std::make_unique<Variable>();
    made->name = declared.name;
    made->bytes = declared.bytes;
    made->storage.resize(declared.bytes / 8 + 2);
    // 16 bytes are enough for every access.
    auto* start = reinterpret_cast<unsigned char*>(made->storage.data());
    if (accept("=")) {
      const bool list = accept("{");
      for (std::size_t at = 0; !list || peek() != "}"; at += element) {
        const std::uint64_t value = integer();
        if (at + element > declared.bytes) fail("too many values for " + declared.name);
        std::memcpy(start + at, &value, element);
        if (!accept(",")) break;
      }
      if (list) expect("}");
    }
    expect(";");
    symbols_[declared.name] = reinterpret_cast<std::uintptr_t>(start);
    module_.variables_.push_back(std::move(made));
  }

  void kernel() {
    Kernel kernel;
    kernel.name = next();
    kernel_ = &kernel;
    kernel.slots.assign(static_cast<std::size_t>(Special::n), 0);
    kernel.slots[static_cast<std::size_t>(Special::one)] = 1;
    scopes_.assign(1, {});
    constants_.clear();
    labels_.clear();
    branches_.clear();
    for (const auto& [name, address] : symbols_) define(name, address);
    if (accept("(")) {
      while (!accept(")")) {
        expect(".param");
        const Declared declared = declaration();
        kernel.parameter_bytes = round_up(kernel.parameter_bytes, declared.align);
        kernel.parameters.push_back({kernel.parameter_bytes, declared.bytes});
        define(declared.name, kernel.parameter_bytes);
        kernel.parameter_bytes += declared.bytes;
        accept(",");
      }
    }
    while (peek() != "{") {
      const std::string word = next();
      if (word == ".maxntid" || word == ".reqntid") {
        kernel.max_threads = 1;
        do {
          kernel.max_threads *= static_cast<std::uint32_t>(integer());
        } while (accept(","));
      } else if (word == ".minnctapersm" || word == ".maxnreg") {
        integer();
      } else {
        fail("unknown directive " + word);
      }
    }
    // What a launch adds begins where all else ends.
    for (const Declared& declared : module_shared_) {
      if (declared.bytes != 0) place_shared(declared);
    }
    std::vector<Slot> dynamic;
    for (const Declared& declared : module_shared_) {
      if (declared.bytes != 0) continue;
      dynamic.push_back(static_cast<Slot>(kernel.slots.size()));
      define(declared.name, 0);
    }
    expect("{");
    body();
    if (!dynamic.empty()) kernel.shared_bytes = round_up(kernel.shared_bytes, 16);
    for (const Slot slot : dynamic) kernel.slots[slot] = kernel.shared_bytes;
    const auto end = static_cast<std::uint32_t>(kernel.code.size());
    bool falls_off = kernel.code.empty() || kernel.code.back().kind != Kind::exit || kernel.code.back().guarded;
    for (const auto& [at, label] : branches_) {
      const auto found = labels_.find(label);
      if (found == labels_.end()) fail("unknown label " + label);
      kernel.code[at].target = found->second;
      falls_off = falls_off || found->second == end;
    }
    if (falls_off) kernel.code.push_back(made(Kind::exit, "end of the body"));
    kernel_ = nullptr;
    if (!module_.kernels_.emplace(kernel.name, kernel).second) fail("two kernels " + kernel.name);
  }

  void place_shared(const Declared& declared) {
    kernel_->shared_bytes = round_up(kernel_->shared_bytes, std::max<std::size_t>(declared.align, 16));
    define(declared.name, kernel_->shared_bytes);
    kernel_->shared_bytes += declared.bytes;
  }

  void define(const std::string& name, std::uint64_t value) {
    const auto slot = static_cast<Slot>(kernel_->slots.size());
    kernel_->slots.push_back(value);
    scopes_.back()[name] = slot;
  }

  // Statements up to the closing brace. Inner braces are scopes of registers and labels.
  void body() {
    for (int depth = 1; depth > 0;) {
      const std::string word = next();
      if (word == "{") {
        scopes_.emplace_back();
        ++depth;
      } else if (word == "}") {
        if (--depth > 0) scopes_.pop_back();
      } else if (word == ";") {
        continue;
      } else if (word == ".reg") {
        registers();
      } else if (word == ".shared") {
        place_shared(declaration());
        expect(";");
      } else if (word == ".local") {
        const Declared declared = declaration();
        kernel_->local_bytes = round_up(kernel_->local_bytes, std::max<std::size_t>(declared.align, 16));
        define(declared.name, kernel_->local_bytes);
        kernel_->local_bytes += declared.bytes;
        expect(";");
      } else if (word == ".pragma") {
        while (!accept(";")) ++at_;
      } else if (word[0] == '.') {
        fail("unknown directive " + word);
      } else if (accept(":")) {
        labels_[word] = static_cast<std::uint32_t>(kernel_->code.size());
      } else {
        instruction(word);
      }
    }
  }

  // .reg .b32 %r<10>, x;
  void registers() {
    next();
    do {
      const std::string name = next();
      if (accept("<")) {
        const std::uint64_t n = integer();
        for (std::uint64_t i = 0; i < n; ++i) define(name + std::to_string(i), garbage);
        expect(">");
      } else {
        define(name, garbage);
      }
    } while (accept(","));
    expect(";");
  }

  [[nodiscard]] Instruction made(Kind kind, std::string opcode) const {
    Instruction made;
    made.kind = kind;
    made.opcode = std::move(opcode);
    made.line = tokens_[at_ - 1].line;
    return made;
  }

  Slot constant(std::uint64_t value) {
    const auto [found, is_new] = constants_.emplace(value, static_cast<Slot>(kernel_->slots.size()));
    if (is_new) kernel_->slots.push_back(value);
    return found->second;
  }

  Slot slot(const std::string& name) {
    static const std::map<std::string, Special> specials = {
        {"%tid.x", Special::tid},       {"%tid.y", Special::zero},   {"%tid.z", Special::zero},
        {"%ntid.x", Special::ntid},     {"%ntid.y", Special::one},   {"%ntid.z", Special::one},
        {"%ctaid.x", Special::ctaid},   {"%ctaid.y", Special::zero}, {"%ctaid.z", Special::zero},
        {"%nctaid.x", Special::nctaid}, {"%nctaid.y", Special::one}, {"%nctaid.z", Special::one},
        {"%laneid", Special::laneid},   {"%warpid", Special::warpid}};
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
      if (const auto found = scope->find(name); found != scope->end()) return found->second;
    }
    if (const auto found = specials.find(name); found != specials.end()) return static_cast<Slot>(found->second);
    if (name == "WARP_SZ") return constant(32);
    if (const std::optional<std::uint64_t> value = number(name)) return constant(*value);
    fail("unknown operand " + name);
  }

  Slot single() {
    if (accept("-")) return constant(0 - integer());
    if (accept("!")) fail("negated operand");
    const std::string name = next();
    if (name == "_") {  // nobody wants it
      define("_", garbage);
      return scopes_.back()["_"];
    }
    return slot(name);
  }

  Operand operand() {
    Operand operand;
    if (accept("[")) {
      operand.is_address = true;
      operand.slots.push_back(single());
      if (accept("+")) operand.offset = static_cast<std::int64_t>(integer());
      expect("]");
    } else if (accept("{")) {
      operand.in_braces = true;
      do {
        operand.slots.push_back(single());
      } while (accept(","));
      expect("}");
    } else {
      operand.slots.push_back(single());
      if (accept("|")) operand.second = single();
    }
    return operand;
  }

  void instruction(std::string word) {
    Instruction made = this->made(Kind::compute, "");
    if (word == "@") {
      made.guarded = true;
      made.negated = accept("!");
      made.guard = slot(next());
      word = next();
    }
    made.opcode = word;
    made.line = tokens_[at_ - 1].line;
    if (word.starts_with("bra")) {
      if (word != "bra" && word != "bra.uni") fail("unknown instruction " + word);
      made.kind = Kind::branch;
      branches_.emplace_back(kernel_->code.size(), next());
      expect(";");
      kernel_->code.push_back(made);
      return;
    }
    std::vector<Operand> operands;
    while (!accept(";")) {
      operands.push_back(operand());
      accept(",");
    }
    try {
      decode(made, operands, [this](std::uint64_t value) { return constant(value); });
    } catch (const Error& error) {
      fail(error.what());
    }
    kernel_->code.push_back(made);
  }

  Module& module_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  Kernel* kernel_ = nullptr;
  std::map<std::string, std::uint64_t> symbols_;  // of the module: addresses
  std::vector<Declared> module_shared_;
  std::vector<std::map<std::string, Slot>> scopes_;
  std::map<std::uint64_t, Slot> constants_;
  std::map<std::string, std::uint32_t> labels_;
  std::vector<std::pair<std::size_t, std::string>> branches_;  // instruction, label
};

Module::Module(const std::string& text, std::string name) : name_(std::move(name)) { Parser(text, *this).module(); }

Module Module::read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error("cannot read " + path.string() + "; scripts/ptx makes it where nvcc is");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return {text, path.filename().string()};
}

const Kernel& Module::kernel(const std::string& name) const {
  const auto found = kernels_.find(name);
  if (found == kernels_.end()) throw Error(name_ + " has no kernel " + name);
  return found->second;
}

}  // namespace clvsim::test::ptx
