#include "tls_files.hpp"

#include <stdexcept>

namespace mqtt_test {

TlsFiles::TlsFiles() {
  openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
           "-subj", "/CN=Test CA", "-keyout", file("ca.key"), "-out", file("ca.pem")});
  openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
           "-subj", "/CN=alone", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", file("selfsigned.key"), "-out",
           file("selfsigned.pem")});
}

void TlsFiles::issue(const std::string& name, const std::string& host, bool expired) {
  openssl({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=" + name,
           "-keyout", file(name + ".key"), "-out", file(name + ".csr")});
  // `openssl ca` because `openssl x509` of OpenSSL 3.0 cannot date a certificate back.
  write_file(file("index.txt"), "");
  write_file(file("serial"), "01\n");
  write_file(file("ca.conf"), "[ca]\ndefault_ca=d\n[d]\ndir=" + file("") + "\ndatabase=" + file("index.txt") +
                                  "\nserial=" + file("serial") + "\nnew_certs_dir=" + file("") +
                                  "\ndefault_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n"
                                  "[e]\nsubjectAltName=" +
                                  host + "\n");
  openssl({"ca", "-batch", "-notext", "-config", file("ca.conf"), "-extensions", "e", "-cert", file("ca.pem"),
           "-keyfile", file("ca.key"), "-in", file(name + ".csr"), "-out", file(name + ".pem"), "-startdate",
           "20200101000000Z", "-enddate", expired ? "20210101000000Z" : "20491231000000Z"});
}

void TlsFiles::openssl(const std::vector<std::string>& arguments) {
  std::vector<std::string> command{find_program("openssl")};
  if (command[0].empty()) throw std::runtime_error("openssl is not installed: run ./dev setup");
  command.insert(command.end(), arguments.begin(), arguments.end());
  Process run(command, file("openssl.log"));
  if (run.wait() != 0) throw std::runtime_error("openssl " + arguments[0] + ": " + read_file(file("openssl.log")));
}

}  // namespace mqtt_test
