/* dtu.network/1: the mobile network interface of a board, set up as the device document says (apn). */
#ifndef DTU_NETWORK_H_
#define DTU_NETWORK_H_

#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dtu_network_settings {
  uint32_t struct_size, reserved;
  dtu_str apn; /* "": the one the SIM or the operator gives */
  dtu_str user, password;
} dtu_network_settings;

#define DTU_NETWORK_IFACE "dtu.network/1"
typedef struct dtu_network {
  uint32_t struct_size, reserved;
  /* [lane] Once after every start, and whenever the settings change. May drop and dial the data connection again. */
  dtu_status (*configure)(void* self, const dtu_network_settings*, dtu_error*);
} dtu_network;

#ifdef __cplusplus
}
#endif
#endif /* DTU_NETWORK_H_ */
