/* A mosquitto plugin that checks the login of the made-up cloud Acme as its cloud would: the client id is
 * product.device, the user name device&product&time, the password the HMAC-SHA256 of "product.device&time" by the
 * secret, the time of now. Its option acme_secret is the secret of all devices. A client without a user name is one of
 * the test, and may come in. */
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kMostOff_s = 3600, kWelcome = 0, kRefused = 11 }; /* MOSQ_ERR_SUCCESS, MOSQ_ERR_AUTH: of libmosquitto-dev */
static mosquitto_plugin_id_t* plugin;
static char secret[129];

static int good_password(const char* id, const char* when, const char* password) {
  char text[256], hex[2 * EVP_MAX_MD_SIZE + 1];
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned int n = 0;
  const int length = snprintf(text, sizeof text, "%s&%s", id, when);
  if (length < 0 || (size_t)length >= sizeof text) return 0;
  if (HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char*)text, (size_t)length, bytes, &n) == NULL)
    return 0;
  for (unsigned int i = 0; i < n; ++i) snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
  return password != NULL && strcmp(hex, password) == 0;
}

static int check_login(int event, void* data, void* unused) {
  const struct mosquitto_evt_basic_auth* login = data;
  char user[256], *product, *when, id[256];
  (void)event;
  (void)unused;
  if (login->username == NULL) return kWelcome;
  if (strlen(login->username) >= sizeof user) return kRefused;
  strcpy(user, login->username);
  product = strchr(user, '&');
  if (product == NULL) return kRefused;
  *product++ = '\0';
  when = strchr(product, '&');
  if (when == NULL) return kRefused;
  *when++ = '\0';
  if (llabs(atoll(when) - (long long)time(NULL)) > kMostOff_s) return kRefused;
  if ((size_t)snprintf(id, sizeof id, "%s.%s", product, user) >= sizeof id) return kRefused;
  if (strcmp(id, mosquitto_client_id(login->client)) != 0) return kRefused;
  return good_password(id, when, login->password) ? kWelcome : kRefused;
}

int mosquitto_plugin_version(int count, const int* versions) {
  for (int i = 0; i < count; ++i)
    if (versions[i] == 5) return 5;
  return -1;
}

int mosquitto_plugin_init(mosquitto_plugin_id_t* id, void** data, struct mosquitto_opt* options, int count) {
  (void)data;
  plugin = id;
  for (int i = 0; i < count; ++i)
    if (strcmp(options[i].key, "acme_secret") == 0) snprintf(secret, sizeof secret, "%s", options[i].value);
  return mosquitto_callback_register(plugin, MOSQ_EVT_BASIC_AUTH, check_login, NULL, NULL);
}

int mosquitto_plugin_cleanup(void* data, struct mosquitto_opt* options, int count) {
  (void)data;
  (void)options;
  (void)count;
  return mosquitto_callback_unregister(plugin, MOSQ_EVT_BASIC_AUTH, check_login, NULL);
}
