#include "checker.hpp"

#include <Poco/JSON/Parser.h>
#include <Poco/Pipe.h>
#include <Poco/PipeStream.h>
#include <Poco/Process.h>
#include <Poco/StreamCopier.h>

#include <algorithm>

namespace check_test {

bool Said::has(const std::string& rule) const {
  return std::any_of(findings.begin(), findings.end(), [&](const Found& f) { return f.rule == rule; });
}

Said run(const std::string& program, const std::vector<std::string>& arguments) {
  Said said;
  Poco::Pipe out;
  const Poco::ProcessHandle process = Poco::Process::launch(program, arguments, nullptr, &out, &out);
  Poco::PipeInputStream in(out);
  Poco::StreamCopier::copyToString(in, said.output);
  said.exit_code = process.wait();
  return said;
}

Said check(const std::string& program, std::vector<std::string> arguments) {
  arguments.emplace_back("--json");
  Said said = run(program, arguments);
  const auto document = Poco::JSON::Parser().parse(said.output).extract<Poco::JSON::Object::Ptr>();
  const auto findings = document->getArray("findings");
  for (size_t k = 0; k < findings->size(); ++k) {
    const auto f = findings->getObject(static_cast<unsigned>(k));
    for (const char* key : {"says", "where", "mend", "what"})
      if (f->getValue<std::string>(key).empty()) throw std::runtime_error("a finding without " + std::string(key));
    said.findings.push_back(
        {f->getValue<std::string>("rule"), f->getValue<std::string>("severity"), f->getValue<std::string>("what")});
  }
  return said;
}

}  // namespace check_test
