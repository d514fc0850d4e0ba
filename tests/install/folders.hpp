// Where the steps before these tests have put things.
#pragma once
#include <string>

namespace e2e {

inline const std::string kWork = E2E_WORK;
inline const std::string kInstalled = kWork + "/prefix";
inline const std::string kExamples = kWork + "/examples/root/lib/dtukit/plugins";
inline const std::string kLibcxx = kWork + "/libcxx/root/lib/dtukit/plugins";
inline const std::string kPackaged = kWork + "/packages/root/usr";

}  // namespace e2e
