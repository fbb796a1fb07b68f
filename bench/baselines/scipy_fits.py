#!/usr/bin/env python3
"""Fits of BG/NBD, Pareto/NBD and Gamma-Gamma by SciPy, beside clvsim, in turns, on the same store.

    python3 bench/baselines/scipy_fits.py build/release/clvsim customers.h5 [ROUNDS]

SciPy: the textbook likelihoods with NumPy, of every customer and of merged histories, from one start, by L-BFGS-B on the
logarithms with numerical gradients; data are read before the clock starts. clvsim: the fit, which reads the customers, searches from five starts and certifies
what it found (fit_seconds of the log beside the model), and the whole program, on one core. Needs Debian's python3-scipy and python3-h5py."""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1


def histories(store):
    with h5py.File(store) as f:
        days = {"day": 1, "week": 7, "month": 365.25 / 12, "year": 365.25}[f.attrs["unit"].decode()]
        c = f["customers"]
        x, t_x, T = c["frequency"][:], c["recency"][:] / days, c["observed"][:] / days
        bought = c["n_purchase_days"][:] > 0
        each = np.c_[x, t_x, T][bought]
        offset = np.append(c["history_offset"][:], len(f["history/day"]))
        amount, day = f["history/amount"][:] * f["history/amount"].attrs["scale"], f["history/day"][:]
        repeat = (amount > 0) & (day > np.repeat(c["first_day"][:], np.diff(offset)))
        customer = np.repeat(np.arange(len(x)), np.diff(offset))
        count = np.bincount(customer[repeat], minlength=len(x))
        total = np.bincount(customer[repeat], weights=amount[repeat], minlength=len(x))
        spend = np.c_[count, total][count > 0]
    return each, spend


def bg_nbd(p, rows, n):
    (r, alpha, a, b), (x, t_x, T) = p, rows.T
    alive = betaln(a, b + x) - (r + x) * np.log(alpha + T)
    with np.errstate(divide="ignore", invalid="ignore"):
        gone = np.where(x > 0, betaln(a + 1, b + x - 1) - (r + x) * np.log(alpha + t_x), -np.inf)
    return np.dot(n, gammaln(r + x) - gammaln(r) + r * np.log(alpha) - betaln(a, b) + np.logaddexp(alive, gone))


def pareto_nbd(p, rows, n):
    (r, alpha, s, beta), (x, t_x, T) = p, rows.T
    big, other = max(alpha, beta), s + 1 if alpha >= beta else r + x
    total, gap = r + s + x, abs(alpha - beta)
    a0 = hyp2f1(total, other, total + 1, gap / (big + t_x)) / (big + t_x) ** total - hyp2f1(
        total, other, total + 1, gap / (big + T)) / (big + T) ** total
    alive = -(r + x) * np.log(alpha + T) - s * np.log(beta + T)
    gone = np.log(s / total) + np.log(np.maximum(a0, 1e-300))
    return np.dot(n, gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta) + np.logaddexp(alive, gone))


def gamma_gamma(p, spend):
    (p_, q, g), (x, z) = p, spend.T
    return np.sum(gammaln(p_ * x + q) - gammaln(p_ * x) - gammaln(q) + q * np.log(g) - np.log(z / x) + p_ * x * np.log(z)
                  - (p_ * x + q) * np.log(g + z))


def main():
    program, store, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 5
    each, spend = histories(store)
    rows, n = np.unique(each, axis=0, return_counts=True)
    ones = np.ones(len(each))
    fits = {"bg_nbd": (lambda v: -bg_nbd(np.exp(v), each, ones), lambda v: -bg_nbd(np.exp(v), rows, n), [0.5, 5, 1, 2]),
            "pareto_nbd": (lambda v: -pareto_nbd(np.exp(v), each, ones), lambda v: -pareto_nbd(np.exp(v), rows, n), [0.5, 5, 0.5, 10]),
            "gamma_gamma": (lambda v: -gamma_gamma(np.exp(v), spend), lambda v: -gamma_gamma(np.exp(v), spend), [4, 4, 20])}
    core = sorted(os.sched_getaffinity(0))[0]
    os.sched_setaffinity(0, {core})
    print(f"{int(n.sum()):,} customers, {len(n):,} different histories; one core, {rounds} rounds in turns")
    print(f"{'model':<12}{'SciPy s':>10}{'merged s':>10}{'fit s':>10}{'program s':>11}{'ratio':>8}{'merged':>8}{'SciPy LL':>18}{'clvsim LL':>18}")
    for model, (whole, merged, start) in fits.items():
        times = []
        for _ in range(rounds):
            scipy = []
            for objective in (whole, merged):
                begin = time.perf_counter()
                found = minimize(objective, np.log(start), method="L-BFGS-B", options={"maxiter": 500, "ftol": 1e-12})
                scipy.append(time.perf_counter() - begin)
            with tempfile.TemporaryDirectory() as folder:
                begin = time.perf_counter()
                out = subprocess.run([program, "fit", store, "--model", model, "--json", "-o", folder + "/model.toml"]
                                     + ([] if model == "gamma_gamma" else ["--spend", "none"]),
                                     check=True, capture_output=True).stdout
                program_seconds = time.perf_counter() - begin
                with open(folder + "/model.toml.log.json") as log:
                    own = json.load(log)["fit_seconds"]
            times.append((*scipy, own, program_seconds, scipy[0] / own, scipy[1] / own))
        whole_s, merged_s, own_s, program_s, ratio, merged_ratio = map(statistics.median, zip(*times))
        print(f"{model:<12}{whole_s:>10.3f}{merged_s:>10.3f}{own_s:>10.4f}{program_s:>11.3f}{ratio:>8.1f}{merged_ratio:>8.1f}"
              f"{-found.fun:>18.6f}{json.loads(out)['log_likelihood']:>18.6f}")


main()
