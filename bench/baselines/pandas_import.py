#!/usr/bin/env python3
"""What an analyst does instead of `clvsim import`: pandas read_csv and groupby, to frequency, recency, T and spend.

    pandas_import.py LOG.csv OBSERVATION_END
"""
import sys
import time

import pandas

log, end = sys.argv[1], pandas.Timestamp(sys.argv[2])
started = time.perf_counter()
rows = pandas.read_csv(log, parse_dates=["date"])
read = time.perf_counter()
rows = rows[rows["date"] <= end]
purchases = rows[rows["amount"] >= 0]
days = purchases.groupby(["customer_id", "date"])["amount"].sum().reset_index()
customers = days.groupby("customer_id").agg(first=("date", "min"), last=("date", "max"), frequency=("date", "size"), spend=("amount", "sum"))
customers["recency"] = (customers["last"] - customers["first"]).dt.days
customers["observed"] = (end - customers["first"]).dt.days
done = time.perf_counter()
print(f"{len(rows)} rows, {len(customers)} customers, {customers['spend'].sum():.2f}; read {read - started:.1f} s, group {done - read:.1f} s")
