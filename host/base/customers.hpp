// What a customer's rows are summed up to.
#pragma once

#include <clvsim/customers.hpp>

#include <cstddef>

namespace clvsim {

// Ends the batch's last customer, whose rows are in its history from first_row on: appends their offset and every
// column but key, hash and segment. Throws DataError where a sum exceeds 64 bits.
void append_summary(CustomerBatch& batch, std::size_t first_row, Date observation_end);

}  // namespace clvsim
