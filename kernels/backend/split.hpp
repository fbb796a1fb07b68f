// One backend of several, by ranges of customers.
#pragma once

#include "kernels/backend/backend.hpp"

#include <memory>
#include <vector>

namespace clvsim::kernels {

// Runs every batch on all `parts`, at least one, all made for the same run. Each takes the next range of customers when
// it is done with one, so that a slower part takes fewer; the results are those of any of them alone. A part's
// DeviceError is thrown again with the part's number and description in front.
[[nodiscard]] std::unique_ptr<Backend> make_split_backend(std::vector<std::unique_ptr<Backend>> parts);

}  // namespace clvsim::kernels
