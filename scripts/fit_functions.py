#!/usr/bin/env python3
"""Fits the coefficients of kernels/math/{elementary,log_gamma}.hpp and prints them with the relative error that they reach.

Rational functions P/Q, Q(0) = 1, near the minimax of the relative error: weighted linear least squares, the weights of
the linearised problem after Sanathanan & Koerner (1963) times those of Lawson (1961). The error printed is that of the
coefficients after rounding to double, evaluated in exact arithmetic on a grid five times as fine. Needs python3-mpmath.

  normal_32, normal_52   z / q as a function of s = -log(4 p (1 - p)), q = p - 1/2, Phi(z) = p, for p from 2^-33, 2^-53
  exp                    (exp(r) - 1 - r) / r^2 on |r| <= ln(2) / 2
  log_gamma              log Gamma(x) / ((x - 1) (x - 2)) - 1/4 as a function of x - 1/2 on [1/2, 5/2]
  stirling               x (log Gamma(x) - ((x - 1/2) log x - x + log(2 pi) / 2)) as a function of 1 / x^2, x >= 1
"""
from mpmath import bernoulli, cos, erf, erfc, euler, expm1, findroot, log, log1p, loggamma, lu_solve, matrix, mp, mpf
from mpmath import fsum, nstr, pi, polyval, sqrt

mp.dps = 70


def chebyshev(low, high, n):
    return [low + (high - low) * (1 - cos(pi * i / n)) / 2 for i in range(n + 1)]


def normal_points(bits, n):
    """(s, z / q), parametrised by z, which needs no inverse."""
    tail = lambda z: erfc(z / sqrt(2)) / 2
    s_of = lambda z: -log(4 * tail(z) * (1 - tail(z)))
    z_max = findroot(lambda z: s_of(z) - (bits - 1 + mpf(1) / 4) * log(2), (mpf(6), mpf(8.5)))
    points = [(mpf(0), sqrt(2 * pi))]
    for z in chebyshev(mpf(0), z_max, n)[1:]:
        q = erf(z / sqrt(2)) / 2
        points.append((-log1p(-4 * q * q) if z < 0.01 else s_of(z), z / q))
    return points


def exp_points(n):
    reach = log(2) / 2 * (1 + mpf(2) ** -40)
    return [(r, (expm1(r) - r) / r**2) for r in chebyshev(-reach, reach, n)]


def log_gamma_points(n):
    """Where the ratio is 0 / 0, its limit."""
    limits = {mpf(1): euler, mpf(2): 1 - euler}
    ratio = lambda x: limits[x] if x in limits else loggamma(x).real / ((x - 1) * (x - 2))
    return [(x - mpf(1) / 2, ratio(x) - mpf(1) / 4) for x in chebyshev(mpf(1) / 2, mpf(5) / 2, n)]


def stirling_points(n):
    def times_x(w):
        if w < mpf("1e-6"):  # the first terms of Stirling's series: where that of loggamma would cancel
            return fsum(bernoulli(2 * k) / (2 * k * (2 * k - 1)) * w ** (k - 1) for k in range(1, 12))
        x = 1 / sqrt(w)
        return x * (loggamma(x).real - (x - mpf(1) / 2) * log(x) + x - log(2 * pi) / 2)

    return [(w, times_x(w)) for w in chebyshev(mpf(0), mpf(1), n)]


def fit(points, degree_p, degree_q, rounds):
    n = degree_p + 1 + degree_q
    weights, denominator, best = [mpf(1)] * len(points), [mpf(1)] * len(points), None
    for number in range(rounds):
        rows = []
        for (x, f), weight, q in zip(points, weights, denominator):
            scale = sqrt(weight) / (q * f)
            powers = [mpf(1)]
            for _ in range(max(degree_p, degree_q)):
                powers.append(powers[-1] * x)
            rows.append((
                [scale * v for v in powers[: degree_p + 1]] + [-scale * f * v for v in powers[1 : degree_q + 1]],
                scale * f,
            ))
        normal, right = matrix(n, n), matrix(n, 1)
        for i in range(n):
            for j in range(i, n):
                normal[i, j] = normal[j, i] = fsum(row[i] * row[j] for row, _ in rows)
            right[i] = fsum(row[i] * target for row, target in rows)
        solution = list(lu_solve(normal, right))
        p, q = solution[: degree_p + 1], [mpf(1)] + solution[degree_p + 1 :]
        denominator = [polyval(q[::-1], x) for x, _ in points]
        errors = [abs(polyval(p[::-1], x) / d / f - 1) for (x, f), d in zip(points, denominator)]
        worst = max(errors)
        if best is None or worst < best[0]:
            best = (worst, p, q)
        if number >= 4:
            weights = [weight * (e / worst + mpf("1e-3")) for weight, e in zip(weights, errors)]
            mean = fsum(weights) / len(weights)
            weights = [weight / mean for weight in weights]
    return best[1], best[2]


def report(name, points, fine, degree_p, degree_q, positive=True):
    p, q = fit(points, degree_p, degree_q, 45)
    p, q = [float(c) for c in p], [float(c) for c in q]
    exact_p, exact_q = [mpf(c) for c in reversed(p)], [mpf(c) for c in reversed(q)]
    worst = max(abs(polyval(exact_p, x) / polyval(exact_q, x) / f - 1) for x, f in fine)
    print(f"// {name}: relative error {nstr(worst, 3)}, arguments to {nstr(fine[-1][0], 5)}")
    for kind, coefficients in (("numerator", p), ("denominator", q)):
        if len(coefficients) > 1:
            print(f"{name}_{kind}[] = {{" + ", ".join(repr(c) for c in reversed(coefficients)) + "};")
    assert not positive or all(c > 0 for c in p + q), "cancellation"


if __name__ == "__main__":
    report("exp", exp_points(121), exp_points(605), 9, 0)
    report("normal_32", normal_points(32, 300), normal_points(32, 1500), 12, 11)
    report("normal_52", normal_points(52, 300), normal_points(52, 1500), 14, 13)
    report("log_gamma", log_gamma_points(131), log_gamma_points(655), 8, 8, positive=False)
    report("stirling", stirling_points(120), stirling_points(600), 7, 7)
