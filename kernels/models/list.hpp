// Every behaviour model that the engine is compiled for; the launchers and the parity tests read it.
#pragma once

#include "kernels/models/migration_chain.hpp"

namespace clvsim::kernels {

template <class... Model>
struct ModelList {};

using BehaviourModels = ModelList<MigrationChainModel>;

}  // namespace clvsim::kernels
