// Files that are sealed correctly and are wrong all the same: by structure, by value, by what libhdf5 would do.
#include "host/io/child.hpp"
#include "host/io/h5.hpp"
#include "tests/support/io_hdf5.hpp"
#include "tests/support/io_run.hpp"
#include "tests/support/io_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <clvsim/error.hpp>

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <thread>

namespace clvsim {
namespace {

using test::alter;
using test::TemporaryFolder;
using testing::HasSubstr;

template <class Reader>
std::string refusal(const std::filesystem::path& path) {
  try {
    const Reader reader(path);
  } catch (const FormatError& error) {
    return error.what();
  }
  return "";
}

class Attack : public testing::Test {
 protected:
  void SetUp() override {
    test::write_store(store, good);
    test::write_run(run, good_run);
  }
  // The message of opening the store after `f`.
  std::string structure(const std::function<void(hid_t)>& f) {
    std::filesystem::copy_file(good, path, std::filesystem::copy_options::overwrite_existing);
    alter(path, f);
    return refusal<StoreReader>(path);
  }
  // The same where the attacker made the content digest fit.
  std::string values(const std::function<void(hid_t)>& f) {
    std::filesystem::copy_file(good, path, std::filesystem::copy_options::overwrite_existing);
    alter(path, f);
    test::renew_content_digest(path);
    return refusal<StoreReader>(path);
  }
  template <class T>
  std::string value(const char* dataset, hsize_t row, T altered) {
    return values([&](hid_t file) { test::set_value(file, dataset, row, &altered); });
  }
  std::string run_values(const std::function<void(hid_t)>& f) {
    std::filesystem::copy_file(good_run, path, std::filesystem::copy_options::overwrite_existing);
    alter(path, f);
    test::renew_content_digest(path);
    return refusal<RunReader>(path);
  }
  // Replaces a dataset by one of this type, shape and creation properties; its attributes are those of the old one.
  static void replace(hid_t file, const char* name, hid_t type, hid_t space, hid_t creation) {
    const hid_t old = H5Dopen2(file, name, H5P_DEFAULT);
    H5Ldelete(file, name, H5P_DEFAULT);
    const hid_t id = H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    ASSERT_GE(id, 0) << name;
    for (const char* attribute : {"units", "long_name"}) {
      const hid_t a = H5Aopen(old, attribute, H5P_DEFAULT), a_type = H5Aget_type(a), a_space = H5Aget_space(a);
      std::vector<char> bytes(H5Tget_size(a_type));
      H5Aread(a, a_type, bytes.data());
      const hid_t b = H5Acreate2(id, attribute, a_type, a_space, H5P_DEFAULT, H5P_DEFAULT);
      H5Awrite(b, a_type, bytes.data());
      H5Aclose(b), H5Aclose(a), H5Sclose(a_space), H5Tclose(a_type);
    }
    H5Dclose(id), H5Dclose(old);
  }

  TemporaryFolder folder;
  std::filesystem::path good = folder / "good.h5", path = folder / "s.h5", good_run = folder / "good_run.h5";
  test::TestStore store = test::make_test_store({.n_customers = 10});
  test::TestRun run = test::make_test_run({});
};

TEST_F(Attack, ANotAlteredFileStillOpens) {
  EXPECT_EQ(structure([](hid_t) {}), "");
  EXPECT_EQ(values([](hid_t) {}), "");
  EXPECT_EQ(run_values([](hid_t) {}), "");
  EXPECT_EQ(test::difference(store, good), "");
}

TEST_F(Attack, AnotherLayoutOfTheSameContentIsTheSameStore) {
  test::repack_in_chunks(good, path, 3);
  EXPECT_EQ(test::difference(store, path, 4), "");
  EXPECT_NE(test::read_file(path), test::read_file(good));
  test::repack_in_chunks(good_run, path, 7);
  EXPECT_EQ(test::difference(run, path), "");
}

TEST_F(Attack, MissingAndSurplusMembersAreRefused) {
  EXPECT_THAT(structure([](hid_t f) { H5Ldelete(f, "/customers/frequency", H5P_DEFAULT); }), HasSubstr("no member"));
  EXPECT_THAT(structure([](hid_t f) { H5Ldelete(f, "/holdout", H5P_DEFAULT); }), HasSubstr("no member"));
  EXPECT_THAT(
      structure([](hid_t f) { H5Gclose(H5Gcreate2(f, "/customers/more", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT)); }),
      HasSubstr("do not belong"));
  EXPECT_THAT(structure([](hid_t f) { H5Gclose(H5Gcreate2(f, "/more", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT)); }),
              HasSubstr("do not belong"));
  EXPECT_THAT(structure([](hid_t f) {
                H5Ldelete(f, "/history/kind", H5P_DEFAULT);
                H5Gclose(H5Gcreate2(f, "/history/kind", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
              }),
              HasSubstr("/history/kind"));
}

TEST_F(Attack, LinksAreRefused) {
  const auto by = [&](auto&& link) {
    return structure([&](hid_t f) {
      H5Ldelete(f, "/customers/frequency", H5P_DEFAULT);
      link(f);
    });
  };
  EXPECT_THAT(by([](hid_t f) {
                H5Lcreate_soft("/customers/n_purchase_days", f, "/customers/frequency", H5P_DEFAULT, H5P_DEFAULT);
              }),
              HasSubstr("is a link"));
  EXPECT_THAT(
      by([](hid_t f) { H5Lcreate_external("/etc/passwd", "/x", f, "/customers/frequency", H5P_DEFAULT, H5P_DEFAULT); }),
      HasSubstr("is a link"));
  // A second name of another column is an ordinary dataset: its values betray it.
  EXPECT_THAT(
      by([](hid_t f) { H5Lcreate_hard(f, "/customers/recency", f, "/customers/frequency", H5P_DEFAULT, H5P_DEFAULT); }),
      HasSubstr("damaged"));
}

TEST_F(Attack, OtherTypesShapesAndLayoutsAreRefused) {
  const hsize_t rows = 10, two[2] = {5, 2}, huge = hsize_t{1} << 60, big = 100000;
  const hid_t plain = H5P_DEFAULT;
  const auto by = [&](hid_t type, hid_t space, hid_t creation) {
    return structure([&](hid_t f) { replace(f, "/customers/frequency", type, space, creation); });
  };
  const hid_t line = H5Screate_simple(1, &rows, nullptr), table = H5Screate_simple(2, two, nullptr);
  const hid_t scalar = H5Screate(H5S_SCALAR), nothing = H5Screate(H5S_NULL);
  for (const hid_t type : {H5T_STD_I64LE, H5T_STD_I32BE, H5T_STD_U32LE, H5T_IEEE_F32LE, H5T_STD_B32LE, H5T_C_S1})
    EXPECT_THAT(by(type, line, plain), HasSubstr("not of type int32"));
  const hid_t variable = H5Tvlen_create(H5T_STD_I32LE), reference = H5Tcopy(H5T_STD_REF_OBJ);
  EXPECT_THAT(by(variable, line, plain), HasSubstr("not of type int32"));
  EXPECT_THAT(by(reference, line, plain), HasSubstr("not of type int32"));
  EXPECT_THAT(by(H5T_STD_I32LE, table, plain), HasSubstr("not one-dimensional"));
  EXPECT_THAT(by(H5T_STD_I32LE, scalar, plain), HasSubstr("not one-dimensional"));
  EXPECT_THAT(by(H5T_STD_I32LE, nothing, plain), HasSubstr("not one-dimensional"));

  const auto creation = [](auto&& set) {
    const hid_t id = H5Pcreate(H5P_DATASET_CREATE);
    set(id);
    return id;
  };
  const hsize_t chunk = 5, wide = 1 << 20;
  const hid_t chunked = creation([&](hid_t p) { H5Pset_chunk(p, 1, &chunk); });
  const hid_t huge_space = H5Screate_simple(1, &huge, nullptr), big_space = H5Screate_simple(1, &big, nullptr);
  EXPECT_THAT(by(H5T_STD_I32LE, huge_space, chunked), HasSubstr("more rows than the file has bytes"));
  EXPECT_THAT(by(H5T_STD_I32LE, big_space, chunked), HasSubstr("more rows than the file has bytes"));
  EXPECT_THAT(by(H5T_STD_I32LE, line, chunked), HasSubstr("fewer bytes than its rows need"));
  EXPECT_THAT(by(H5T_STD_I32LE, line, creation([&](hid_t p) { H5Pset_chunk(p, 1, &chunk), H5Pset_deflate(p, 1); })),
              HasSubstr("filter other than Fletcher32"));
  EXPECT_THAT(by(H5T_STD_I32LE, line, creation([&](hid_t p) { H5Pset_chunk(p, 1, &chunk), H5Pset_shuffle(p); })),
              HasSubstr("filter other than Fletcher32"));
  const hid_t growing = H5Screate_simple(1, &rows, &huge);
  EXPECT_THAT(by(H5T_STD_I32LE, growing, creation([&](hid_t p) { H5Pset_chunk(p, 1, &wide); })),
              HasSubstr("chunks of an unexpected size"));
  EXPECT_THAT(by(H5T_STD_I32LE, line, creation([&](hid_t p) { H5Pset_layout(p, H5D_COMPACT); })),
              HasSubstr("unexpected layout"));
  EXPECT_THAT(by(H5T_STD_I32LE, line, creation([&](hid_t p) { H5Pset_external(p, "/etc/passwd", 0, 40); })),
              HasSubstr("outside the file"));
  EXPECT_THAT(by(H5T_STD_I32LE, line, creation([&](hid_t p) { H5Pset_virtual(p, line, "/tmp/x.h5", "/x", line); })),
              HasSubstr("unexpected layout"));

  const hid_t text = H5Tcopy(H5T_C_S1);
  H5Tset_size(text, H5T_VARIABLE);
  const auto key_by = [&](hid_t type) {
    return structure([&](hid_t f) { replace(f, "/customers/key", type, line, plain); });
  };
  EXPECT_THAT(key_by(text), HasSubstr("no text of a fixed width"));
  EXPECT_THAT(key_by(H5T_STD_I64LE), HasSubstr("no text of a fixed width"));
  const hid_t wide_text = H5Tcopy(H5T_C_S1);
  H5Tset_size(wide_text, 5000);
  EXPECT_THAT(key_by(wide_text), HasSubstr("text of 5000 bytes"));
  EXPECT_THAT(structure([&](hid_t f) {
                const hsize_t few = 9;
                const hid_t space = H5Screate_simple(1, &few, nullptr);
                replace(f, "/customers/frequency", H5T_STD_I32LE, space,
                        creation([](hid_t p) { H5Pset_alloc_time(p, H5D_ALLOC_TIME_EARLY); }));
              }),
              HasSubstr("has 9 rows"));
}

TEST_F(Attack, WrongAttributesAreRefused) {
  const auto root = [&](auto&& f) {
    return structure([&](hid_t file) {
      const hid_t id = H5Gopen2(file, "/", H5P_DEFAULT);
      f(id);
      H5Gclose(id);
    });
  };
  EXPECT_THAT(root([](hid_t id) { H5Adelete(id, "currency"); }), HasSubstr("'currency' of / is missing"));
  EXPECT_THAT(structure([](hid_t f) { test::set_text_attribute(f, "surplus", "x"); }), HasSubstr("do not belong"));
  const std::int64_t number = 2;
  EXPECT_THAT(structure([&](hid_t f) { test::set_attribute(f, "decimals", H5T_STD_I64LE, &number); }),
              HasSubstr("not of type int32"));
  const hid_t variable = H5Tcopy(H5T_C_S1);
  H5Tset_size(variable, H5T_VARIABLE);
  const char* text = "week";
  EXPECT_THAT(structure([&](hid_t f) { test::set_attribute(f, "unit", variable, &text); }),
              HasSubstr("no text of a fixed width"));
  EXPECT_THAT(root([](hid_t id) {
                const hsize_t size = 3;
                const hid_t space = H5Screate_simple(1, &size, nullptr);
                H5Adelete(id, "format_version");
                H5Aclose(H5Acreate2(id, "format_version", H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT));
              }),
              HasSubstr("no list of 1 to 2 values"));
  EXPECT_THAT(structure([](hid_t f) { test::set_text_attribute(f, "currency", std::string(5000, 'x')); }),
              HasSubstr("text of 5000 bytes"));
  EXPECT_THAT(structure([](hid_t f) { H5Adelete_by_name(f, "/customers/key", "units", H5P_DEFAULT); }),
              HasSubstr("'units' of /customers/key is missing"));
  EXPECT_THAT(structure([](hid_t f) {
                const hid_t group = H5Gopen2(f, "/history", H5P_DEFAULT), space = H5Screate(H5S_SCALAR);
                H5Aclose(H5Acreate2(group, "x", H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT));
                H5Gclose(group);
              }),
              HasSubstr("do not belong"));
}

TEST_F(Attack, AlteredValuesDoNotMatchTheContentDigest) {
  const std::int64_t amount = 999;
  EXPECT_THAT(structure([&](hid_t f) { test::set_value(f, "/ledger/amount", 0, &amount); }), HasSubstr("damaged"));
  EXPECT_THAT(structure([](hid_t f) { test::set_text_attribute(f, "title", "Another title"); }),
              HasSubstr("values do not match their digest"));
  EXPECT_THAT(structure([](hid_t f) { test::set_text_attribute(f, "content_digest", std::string(32, 'a')); }),
              HasSubstr("'content_digest' differs from the seal"));
}

TEST_F(Attack, ValuesThatBreakAPromiseAreRefusedThoughTheDigestFits) {
  const std::int32_t day = store.customers.history.day[1];
  // Offsets that no reader follows need no digest to be refused.
  const auto offset = [&](hsize_t row, std::int64_t altered) {
    return structure([&](hid_t f) { test::set_value(f, "/customers/history_offset", row, &altered); });
  };
  EXPECT_THAT(offset(1, -1), HasSubstr("out of range"));
  EXPECT_THAT(offset(1, 1'000'000), HasSubstr("out of range"));
  EXPECT_THAT(offset(0, 1), HasSubstr("begin at row 0"));
  EXPECT_THAT((value<std::int64_t>("/customers/history_offset", 1, 0)), HasSubstr("offsets do not ascend"));
  EXPECT_THAT((value<std::uint8_t>("/history/kind", 0, 2)), HasSubstr("of a kind that there is not"));
  EXPECT_THAT((value<std::uint8_t>("/history/kind", 0, store.customers.history.kind[0] ^ 1)),
              HasSubstr("belies its kind"));
  EXPECT_THAT((value<std::int32_t>("/history/day", 0, 1 << 30)), HasSubstr("day out of range"));
  EXPECT_THAT((value<std::int32_t>("/history/day", 0, -30000)), HasSubstr("day out of range"));
  EXPECT_THAT((value<std::int32_t>("/history/day", 1, day == 10000 ? 10001 : 10000)), HasSubstr("damaged"));
  EXPECT_THAT((value<std::int32_t>("/holdout/day", 0, 10134)), HasSubstr("day out of range"));
  for (const char* column : {"first_day", "last_purchase_day", "n_purchase_days", "frequency", "recency", "observed"})
    EXPECT_THAT((value<std::int32_t>((std::string("/customers/") + column).c_str(), 3, 77)),
                HasSubstr("history belies"));
  EXPECT_THAT((value<std::int64_t>("/customers/spend_sum", 3, 77)), HasSubstr("history belies"));
  EXPECT_THAT((value<std::int64_t>("/customers/refund_sum", 3, -77)), HasSubstr("history belies"));
  EXPECT_THAT((value<std::uint32_t>("/customers/segment", 3, 3)), HasSubstr("segment that there is not"));
  EXPECT_THAT((value<std::uint64_t>("/customers/key_hash", 3, first_reserved_hash)), HasSubstr("hash out of range"));
  EXPECT_THAT((value<std::uint64_t>("/customers/key_hash", 3, ~std::uint64_t{0})), HasSubstr("hash out of range"));
  const auto key = [&](const char* dataset, hsize_t row, const char* text) {
    std::array<char, 9> bytes{};
    std::memcpy(bytes.data(), text, std::strlen(text));
    return value(dataset, row, bytes);
  };
  EXPECT_THAT(key("/customers/key", 3, "C00000002"), HasSubstr("does not come after"));
  EXPECT_THAT(key("/customers/key", 3, ""), HasSubstr("empty or broken key"));
  EXPECT_THAT(key("/holdout_customers/key", 0, "zzz"), HasSubstr("does not come after"));
  EXPECT_THAT((value<std::array<char, 9>>("/customers/key", 3, {'C', 0, '0', '0', '0', '0', '0', '0', '3'})),
              HasSubstr("empty or broken key"));
  EXPECT_THAT((value<std::int64_t>("/ledger/rows", 0, 1)), HasSubstr("not conserved"));
  EXPECT_THAT((value<std::int64_t>("/ledger/amount", 0, 1)), HasSubstr("not conserved"));
  EXPECT_THAT((value<std::int64_t>("/ledger/rows", 6, 12345)), HasSubstr("refunds differ"));
  EXPECT_THAT((value<std::int64_t>("/ledger/rows", 7, -1)), HasSubstr("amount 0"));
  EXPECT_THAT((value<std::int64_t>("/ledger/rejected_rows", 0, 5)), HasSubstr("rejects do not add up"));
  EXPECT_THAT((value<std::int64_t>("/ledger/rejected_rows", 0, std::numeric_limits<std::int64_t>::max())),
              HasSubstr("rejects do not add up"));
  EXPECT_THAT(value("/segments/name", 0, std::array<char, 5>{'n'}), HasSubstr("segment 0 has a name"));
}

TEST_F(Attack, AttributesThatBreakAPromiseAreRefusedThoughTheDigestFits) {
  const auto text = [&](const char* name, const char* altered) {
    return structure([&](hid_t f) { test::set_text_attribute(f, name, altered); });
  };
  EXPECT_THAT(text("filetype", "clvsim-run"), HasSubstr("not clvsim-store"));
  EXPECT_THAT(text("unit", "fortnight"), HasSubstr("is no period"));
  EXPECT_THAT(text("observation_end", "1997-13-30"), HasSubstr("is no date"));
  EXPECT_THAT(text("currency", "DOUBLOONS"), HasSubstr("longer than 8 bytes"));
  const auto i32 = [&](const char* name, std::int32_t altered) {
    return structure([&](hid_t f) { test::set_attribute(f, name, H5T_STD_I32LE, &altered); });
  };
  EXPECT_THAT(i32("decimals", 7), HasSubstr("not 0 to 6"));
  EXPECT_THAT(i32("decimals", -1), HasSubstr("not 0 to 6"));
  EXPECT_THAT(i32("ids_hashed", 2), HasSubstr("neither 0 nor 1"));
  const auto i64 = [&](const char* name, std::int64_t altered) {
    return structure([&](hid_t f) { test::set_attribute(f, name, H5T_STD_I64LE, &altered); });
  };
  EXPECT_THAT(i64("n_rows", -1), HasSubstr("is negative"));
  EXPECT_THAT(i64("n_customers", 11), HasSubstr("its attribute says 11"));
  EXPECT_THAT(values([](hid_t f) { test::set_text_attribute(f, "observation_end", "1997-09-29"); }),
              HasSubstr("damaged"));
  EXPECT_THAT(values([](hid_t f) { test::set_text_attribute(f, "last_day", "1997-10-01"); }),
              HasSubstr("day out of range"));
}

TEST_F(Attack, RunsThatBreakAPromiseAreRefusedThoughTheDigestFits) {
  const auto f64 = [&](const char* dataset, hsize_t row, double altered) {
    return run_values([&](hid_t f) { test::set_value(f, dataset, row, &altered); });
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(f64("/customers/clv_mean", 3, nan), HasSubstr("out of its range"));
  EXPECT_THAT(f64("/customers/clv_se", 3, -1), HasSubstr("out of its range"));
  EXPECT_THAT(f64("/customers/p_active", 3, 1.0001), HasSubstr("out of its range"));
  EXPECT_THAT(f64("/customers/clv_q05", 3, 1e9), HasSubstr("descend"));
  EXPECT_THAT(f64("/periods/profit_mean", 1, INFINITY), HasSubstr("not finite"));
  EXPECT_THAT(f64("/portfolio/se", 1, -1), HasSubstr("not finite"));
  const std::int32_t day = 5;
  EXPECT_THAT(run_values([&](hid_t f) { test::set_value(f, "/periods/first_day", 1, &day); }),
              HasSubstr("does not begin the day after"));
  const double level = 0;
  std::filesystem::copy_file(good_run, path, std::filesystem::copy_options::overwrite_existing);
  alter(path, [&](hid_t f) { test::set_attribute(f, "cvar_level", H5T_IEEE_F64LE, &level); });
  EXPECT_THAT(refusal<RunReader>(path), HasSubstr("CVaR level"));
}

TEST_F(Attack, PathsThatBreakAPromiseAreRefusedThoughTheDigestFits) {
  const std::filesystem::path plain = good_run;
  run = test::make_test_run({.keep_paths = true});
  good_run = folder / "paths.h5";
  test::write_run(run, good_run);
  EXPECT_EQ(run_values([](hid_t) {}), "");
  const std::int64_t altered = 1;
  EXPECT_THAT(run_values([&](hid_t f) { test::set_value(f, "/paths/value", 7, &altered); }),
              HasSubstr("do not add up to total_by_path"));
  EXPECT_THAT(run_values([&](hid_t f) { test::set_value(f, "/portfolio/total_by_path", 7, &altered); }),
              HasSubstr("do not add up to total_by_path"));
  const auto structure_of_run = [&](const std::filesystem::path& from, const std::function<void(hid_t)>& f) {
    std::filesystem::copy_file(from, path, std::filesystem::copy_options::overwrite_existing);
    alter(path, f);
    return refusal<RunReader>(path);
  };
  // One customer's values too many or too few.
  for (const hsize_t rows : {hsize_t{190}, hsize_t{201}, hsize_t{0}}) {
    const auto shorten = [&](hid_t f) {
      const hid_t space = H5Screate_simple(1, &rows, nullptr), creation = H5Pcreate(H5P_DATASET_CREATE);
      H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY);
      replace(f, "/paths/value", H5T_STD_I64LE, space, creation);
      H5Pclose(creation), H5Sclose(space);
    };
    EXPECT_THAT(structure_of_run(good_run, shorten), HasSubstr("not one row a path")) << rows;
  }
  EXPECT_THAT(structure_of_run(good_run, [](hid_t f) { H5Adelete_by_name(f, "/paths/value", "scale", H5P_DEFAULT); }),
              HasSubstr("another scale"));
  EXPECT_THAT(structure_of_run(good_run,
                               [](hid_t f) { H5Adelete_by_name(f, "/portfolio/total_by_path", "scale", H5P_DEFAULT); }),
              HasSubstr("no scale"));
  // A link to other values, an empty group, and paths in a run that says nothing of them.
  EXPECT_THAT(structure_of_run(good_run,
                               [](hid_t f) {
                                 H5Ldelete(f, "/paths/value", H5P_DEFAULT);
                                 H5Lcreate_soft("/portfolio/total_by_path", f, "/paths/value", H5P_DEFAULT,
                                                H5P_DEFAULT);
                               }),
              HasSubstr("is a link"));
  EXPECT_THAT(structure_of_run(good_run, [](hid_t f) { H5Ldelete(f, "/paths/value", H5P_DEFAULT); }),
              HasSubstr("no member 'value'"));
  EXPECT_NE(
      structure_of_run(plain, [](hid_t f) { H5Gclose(H5Gcreate2(f, "paths", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT)); }),
      "");
}

TEST_F(Attack, TheParentSurvivesWhateverTheChildDoes) {
  const ChildLimits brief{std::uint64_t{64} << 20, 1};
  const auto outcome = [&](const std::function<void()>& inspect) -> std::string {
    const h5::LibraryLock lock;
    try {
      inspect_in_child(good, brief, inspect);
    } catch (const FormatError& error) {
      return error.what();
    } catch (const std::exception& error) {
      return std::string("other: ") + error.what();
    }
    return "sound";
  };
  EXPECT_EQ(outcome([] {}), "sound");
  EXPECT_EQ(outcome([] { throw FormatError("my words"); }), "my words");
  EXPECT_EQ(outcome([] { throw std::runtime_error("a bug"); }), "other: a bug");
  EXPECT_THAT(outcome([] { ::_exit(0); }), HasSubstr("damaged or unsafe"));
  EXPECT_THAT(outcome([] { ::kill(::getpid(), SIGSEGV); }), HasSubstr("damaged or unsafe"));
  EXPECT_THAT(outcome([] { std::abort(); }), HasSubstr("damaged or unsafe"));
  EXPECT_THAT(outcome([] {
                for (;;) ::pause();
              }),
              HasSubstr("took more than"));
  EXPECT_THAT(outcome([] {
                volatile bool endless = true;
                while (endless) {
                }
              }),
              HasSubstr("damaged or unsafe"));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_THAT(outcome([] {
                const std::vector<char> greedy(std::size_t{1} << 30);
                if (greedy[1000] != 0) std::abort();
              }),
              HasSubstr("more memory"));
#endif
  EXPECT_EQ(outcome([] {
              // No writing: the child may create a file, but not fill it.
              const std::string name = "/tmp/clvsim-test-" + std::to_string(::getpid());
              ::signal(SIGXFSZ, SIG_IGN);
              std::FILE* file = std::fopen(name.c_str(), "w");
              const bool written = std::fputs("x", file) >= 0 && std::fflush(file) == 0;
              ::unlink(name.c_str());
              if (written) throw FormatError("it could write");
            }),
            "sound");
}

TEST_F(Attack, ReadersOfSeveralThreadsDoNotDisturbEachOther) {
  std::vector<std::jthread> threads;
  std::vector<std::string> found(4, "nothing");
  for (std::size_t t = 0; t < found.size(); ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        found[t] = test::difference(store, good, 3);
        const std::filesystem::path mine = folder / ("t" + std::to_string(t) + ".h5");
        test::write_store(store, mine, 4, true);
        if (test::read_file(mine) != test::read_file(good)) found[t] = "written differently";
        if (!found[t].empty()) return;
      }
    });
  threads.clear();
  for (const std::string& difference : found) EXPECT_EQ(difference, "");
}

}  // namespace
}  // namespace clvsim
