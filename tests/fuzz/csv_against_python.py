#!/usr/bin/env python3
"""Imports mutated CSV files and compares every row with Python's csv and decimal modules under the same flags.

Usage: csv_against_python.py INGEST_BATCH [N_FILES] [SEED]

INGEST_BATCH is the test program of that name. A file passes where the import refuses it with exit code 3, or where the ledger, every
customer and the lines of the rejected rows equal what Python finds. Exits 1, and keeps the file, at the first difference.
"""
import collections
import csv
import datetime
import decimal
import json
import os
import random
import re
import subprocess
import sys
import tempfile

END = datetime.date(2020, 6, 30)
EPOCH = datetime.date(1970, 1, 1)
FIRST, LAST = datetime.date(1900, 1, 1), datetime.date(2199, 12, 31)
SPACES = re.compile("^[ \t\xa0\u202f]+|[ \t\xa0\u202f]+$")
# Bytes that are no UTF-8, as the codec with surrogateescape gives them: the euro, pound and yen signs and the no-break space.
WINDOWS_1252 = {0xDC80: "\u20ac", 0xDCA3: "\xa3", 0xDCA5: "\xa5", 0xDCA0: "\xa0"}
csv.field_size_limit(1 << 24)


# --- What a value means, written independently of the program: by regular expressions, and Decimal for the arithmetic.

def strip(text):
    return SPACES.sub("", text)


def money(text, mark):
    """Minor units, or None."""
    text = strip(text)
    signs = currencies = 0
    negative = False
    if len(text) >= 2 and text[0] == "(" and text[-1] == ")":
        text, negative, signs = text[1:-1], True, 1
    while True:
        text = strip(text)
        if text[:1] in "$\u20ac\xa3\xa5" and text:
            text, currencies = text[1:], currencies + 1
        elif text[-1:] in "$\u20ac\xa3\xa5" and text:
            text, currencies = text[:-1], currencies + 1
        elif text[:1] in "-\u2212" and text:
            text, negative, signs = text[1:], True, signs + 1
        elif text[-1:] in "-\u2212" and text:
            text, negative, signs = text[:-1], True, signs + 1
        elif text[:1] == "+":
            text, signs = text[1:], signs + 1
        else:
            break
    if signs > 1 or currencies > 1:
        return None
    point = re.escape(mark)
    other = "," if mark == "." else r"\."
    plain = rf"[0-9]*({point}[0-9]*)?"
    groups = [rf"[1-9][0-9]{{0,2}}({g}[0-9]{{3}})+({point}[0-9]*)?" for g in (other, "['\u2019]", "[ \xa0\u202f]")]
    if not re.search("[0-9]", text) or not any(re.fullmatch(p, text, re.ASCII) for p in [plain] + groups):
        return None
    number = text
    for separator in ["'", "\u2019", " ", "\xa0", "\u202f"] + [c for c in ".," if c != mark]:
        number = number.replace(separator, "")
    value = decimal.Decimal(number.replace(mark, ".")).scaleb(2)
    if value != value.to_integral_value() or value >= 10**18:
        return None
    return -int(value) if negative else int(value)


def day(text, order):
    """A date, or None."""
    text = text.strip(" \t")
    time = r"(?:(?:[Tt]|[ ])[ \t]*(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::(?:[0-5][0-9]|60)(?:[.,][0-9]+)?)?[ \t]*" \
           r"(?:Z|z|UTC|[+-](?:0[0-9]|1[0-8])(?::?[0-5][0-9])?)?)?"
    year_first = re.fullmatch(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})" + time, text, re.ASCII)
    compact = re.fullmatch(r"([0-9]{4})([0-9]{2})([0-9]{2})" + time, text, re.ASCII)
    year_last = re.fullmatch(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4})" + time, text, re.ASCII)
    if year_first:
        y, _, m, d = year_first.groups()
    elif compact:
        y, m, d = compact.groups()
    elif year_last and order != "ymd":
        d, _, m, y = year_last.groups()
        if order == "mdy":
            d, m = m, d
    else:
        return None
    try:
        date = datetime.date(int(y), int(m), int(d))
    except ValueError:
        return None
    return date if FIRST <= date <= LAST else None


class Recorder:
    """Iterates over lines and remembers those that the reader has taken since the last look."""

    def __init__(self, text):
        # csv ends a record at LF, CR LF or CR: so must the lines be cut.
        self.lines = iter(re.findall("[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$", text))
        self.taken, self.n = [], 0

    def __iter__(self):
        return self

    def __next__(self):
        line = next(self.lines)
        self.taken.append(line)
        self.n += 1
        return line


def column(header, name):
    """The place of a column's name, in any case unless that fits several; or None."""
    if name in header:
        return header.index(name)
    alike = [i for i, n in enumerate(header) if n.isascii() and n.lower() == name]
    return alike[0] if len(alike) == 1 else None


def expected(data, delimiter, mark, order):
    """What an import must find, or None where it must refuse the file."""
    text = data.decode("utf-8", "surrogateescape")
    text = text.removeprefix("\ufeff")
    if "\0" in text:
        return None
    recorder = Recorder(text)
    records, first = [], 1
    for fields in csv.reader(recorder, delimiter=delimiter):
        raw, line = "".join(recorder.taken), first
        recorder.taken, first = [], recorder.n + 1
        if not fields:
            continue
        try:
            strict = list(csv.reader(Recorder(raw), delimiter=delimiter, strict=True))
            faulty = len(strict) != 1
        except csv.Error as error:
            if "unexpected end of data" in str(error):
                return None
            faulty = True
        records.append((line, fields, faulty))
    if not records:
        return None
    header = [name.strip(" \t") for name in records[0][1]]
    at = [column(header, name) for name in ("customer_id", "date", "amount")]
    if any(header.count(name) > 1 for name in header if name) or None in at:
        return None
    lines = collections.Counter()
    total = collections.defaultdict(lambda: [0, 0])
    rejects, rows = [], []
    seen_currency = None
    for line, fields, faulty in records[1:]:
        if faulty or len(fields) != len(header):
            total["read"][0] += 1
            rejects.append(line)
            continue
        amount_text = fields[at[2]].strip(" \t").translate(WINDOWS_1252)
        key, date, amount = fields[at[0]].strip(" \t"), day(fields[at[1]], order), money(amount_text, mark)
        total["read"][0] += 1
        total["read"][1] += amount or 0
        if amount is not None:
            sign = re.search("[$\u20ac\xa3\xa5]", amount_text)
            if sign and seen_currency not in (None, sign[0]):
                return None
            seen_currency = sign[0] if sign else seen_currency
        if not key or len(key.encode("utf-8", "surrogateescape")) > 256 or date is None or amount is None:
            rejects.append(line)
            total["rejected"][0] += 1
            total["rejected"][1] += amount or 0
            continue
        rows.append((key.encode("utf-8", "surrogateescape"), date, amount))
    total["rejected"][0] = len(rejects)
    if not rows or min(row[1] for row in rows) > END:
        return None
    days = collections.defaultdict(list)
    for key, date, amount in rows:
        days[date > END, key, date].append(amount)
    customers = {}
    for (late, key, date), amounts in sorted(days.items()):
        part = "holdout" if late else "calibration"
        purchases = sorted(a for a in amounts if a >= 0)
        refunds = [a for a in amounts if a < 0]
        kept = purchases[:1] + refunds
        total[part][0] += len(kept)
        total[part][1] += sum(kept)
        total["merged_" + part][0] += len(purchases[1:])
        total["merged_" + part][1] += sum(purchases[1:])
        total["refunds"][0] += len(refunds)
        total["refunds"][1] += sum(refunds)
        if not late:
            c = customers.setdefault(key, {"days": [], "first": date, "spend": 0, "refunds": 0, "rows": 0})
            if purchases:
                c["days"].append(date)
            c["spend"] += sum(purchases)
            c["refunds"] += sum(refunds)
            c["rows"] += len(kept)
    number = lambda date: (date - EPOCH).days
    result = {name: total[name] for name in
              ("read", "calibration", "holdout", "merged_calibration", "merged_holdout", "rejected", "refunds")}
    result["zero"] = sum(1 for row in rows if row[2] == 0)
    result["customers"] = [
        [key.hex(), max(len(c["days"]) - 1, 0), number((c["days"] or [c["first"]])[0]), number((c["days"] or [c["first"]])[-1]),
         c["spend"], c["refunds"], c["rows"]] for key, c in sorted(customers.items())]
    result["reject_lines"] = rejects
    return result


# --- Files: a plausible log, then damage.

AMOUNTS = ["1e3", "nan", "inf", "", "-", "1.234", "1,234", "12,50", "(3.00)", "3.00-", "$7.25", "0", "-0", "0.00", "1.2.3", "1,23", ".5", "5.",
           "+4", "99999999999999999999", "9999999999999999.99", "0x1F", "1_000", "\u0663", "7 \u20ac", "1 234,50", "1'234.50", "12.500",
           "12.505", "\u22125.00", "\xa312", "1\xa0234"]
DATES = ["2020-02-30", "2020-1-5", "20200105", "05.01.2020", "5/1/2020", "1/25/2020", "2020-01-05T23:59:59Z", "2020-01-05 10:00+02:00", "1899-12-31",
         "2199-12-31", "2200-01-01", "20-01-05", "", "2020-01-05x", "2020/01/05", "2020-01/05", "2020-01-05 25:00"]
KEYS = ["", " ", " a ", "\u00e9", "a\"b", "x" * 256, "x" * 257, "\t7", "0007", "7"]


def make_file(rng, delimiter, mark, order):
    columns = ["customer_id", "date", "amount"] + rng.choice([[], [], ["note"], ["note", "n"]])
    rng.shuffle(columns)
    quoting = rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    ending = rng.choice(["\n", "\r\n", "\r"])

    class Sink(list):
        write = list.append

    out = Sink()
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=ending)
    writer.writerow(columns)
    odd = rng.choice([0, 0.02, 0.2])
    for _ in range(rng.randrange(0, 40)):
        d = datetime.date(2020, 1, 1) + datetime.timedelta(days=rng.randrange(0, 240))
        date = d.strftime({"ymd": "%Y-%m-%d", "dmy": "%d.%m.%Y", "mdy": "%m/%d/%Y"}[order])
        cents = rng.randrange(-500, 20000)
        amount = f"{'-' if cents < 0 else ''}{abs(cents) // 100}{mark}{abs(cents) % 100:02d}"
        values = {"customer_id": rng.choice(KEYS) if rng.random() < odd else f"{rng.randrange(12):03d}",
                  "date": rng.choice(DATES) if rng.random() < odd else date,
                  "amount": rng.choice(AMOUNTS) if rng.random() < odd else amount,
                  "note": rng.choice(["", "x", "a,b", "two\nlines", 'say "hi"', "semi;colon", "\u20ac"]), "n": "1"}
        writer.writerow([values[c] for c in columns])
    data = bytearray(("\ufeff" if rng.random() < 0.1 else "").encode() + "".join(out).encode())
    for _ in range(rng.choice([0, 0, 1, 1, 2, 5])):
        mutate(rng, data, delimiter)
    return bytes(data)


def mutate(rng, data, delimiter):
    interesting = [b'"', b'""', b"\n", b"\r", b"\r\n", b"\0", b"\xff", b"-", b".", b",", b" ", b"'", b"$", b"9", b"(", b"\xc2\xa0",
                   delimiter.encode()]
    at = rng.randrange(len(data) + 1)
    kind = rng.randrange(6)
    if kind == 0:
        data[at:at] = rng.choice(interesting)
    elif kind == 1:
        del data[at:at + rng.randrange(1, 4)]
    elif kind == 2 and at < len(data):
        data[at] = rng.randrange(1, 256) if rng.random() < 0.3 else rng.choice(b'",;\t|\r\n 0123456789.-/()e')
    elif kind == 3:
        end = min(len(data), at + rng.randrange(1, 60))
        data[at:at] = data[at:end]
    elif kind == 4:
        lines = bytes(data).split(b"\n")
        i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
        lines[i], lines[j] = lines[j], lines[i]
        data[:] = b"\n".join(lines)
    else:
        del data[at:]


def reject_lines(path):
    if not os.path.exists(path):
        return []
    # The program's CSV is read by Python, another check of its quoting.
    with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
        return [int(row["line"]) for row in csv.DictReader(file)]


def agree(got, want, folder, counts):
    if "error" in got:
        counts["refused"] += 1
        counts["refused, though readable"] += want is not None
        # Refusing is allowed, by the exit code of bad data; a column that is gone is one of a wrong flag.
        return got["code"] == 3 or (got["code"] == 2 and want is None)
    got["reject_lines"] = reject_lines(os.path.join(folder, "rejects.csv"))
    counts["equal"] += 1
    counts["rows"] += got["read"][0]
    counts["rejected rows"] += got["rejected"][0]
    return got == want


def main():
    program = sys.argv[1]
    n_files = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    dialects = [(",", ".", "ymd"), (";", ",", "dmy"), ("\t", ".", "mdy"), ("|", ".", "dmy")]
    counts = collections.Counter()
    with tempfile.TemporaryDirectory() as scratch:
        runs = []
        for i, dialect in enumerate(dialects):
            folder = os.path.join(scratch, str(i))
            os.mkdir(folder)
            runs.append((dialect, folder, subprocess.Popen([program, *dialect, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                                           text=True, bufsize=1)))
        for start in range(0, n_files, len(runs)):
            # One file for each process, which then work at the same time.
            batch = []
            for (dialect, folder, process), i in zip(runs, range(start, n_files)):
                path, data = os.path.join(folder, "log.csv"), make_file(rng, *dialect)
                with open(path, "wb") as file:
                    file.write(data)
                process.stdin.write(path + "\n")
                batch.append((i, dialect, folder, process, data))
            for i, dialect, folder, process, data in batch:
                want = expected(data, *dialect)
                line = process.stdout.readline()
                got = json.loads(line) if line else {"error": "the program ended", "code": None}
                if not agree(got, want, folder, counts):
                    keep = os.path.join(tempfile.gettempdir(), f"clvsim-csv-difference-{i}.csv")
                    with open(keep, "wb") as file:
                        file.write(data)
                    print(f"file {i} {dialect}, kept as {keep}:\n  program {json.dumps(got)}\n  python  {json.dumps(want)}")
                    return 1
        for _, _, process in runs:
            process.stdin.close()
            if process.wait() != 0:
                print(f"the program ended with {process.returncode}")
                return 1
    print(f"{n_files} files: " + ", ".join(f"{n} {what}" for what, n in sorted(counts.items())))
    # Most files must be readable, or nothing was compared.
    return 0 if counts["equal"] * 2 > n_files and counts["refused, though readable"] * 100 < n_files else 1


if __name__ == "__main__":
    sys.exit(main())
