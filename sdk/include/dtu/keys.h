/* dtu.keys/1: the top-level keys of the device document that a component owns. */
#ifndef DTU_KEYS_H_
#define DTU_KEYS_H_

#include "abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An interface without functions, constant data as the descriptor is. The value of a key is in the configuration of its
 * owner, for create() and check(), as "document": {"<name>": value}: with its secrets, and with defaults filled in; no
 * such member when neither the document nor the root of the schema ("default") has a value. Dialects see it in
 * device_config with secrets masked. A change of it makes the owner's instances anew. One component owns a key; the
 * file names it in DTU_TYPES as "key:<name>", so that it is found without opening every file. A name that dtud has
 * itself ("conf") is refused. When two components of a product own one key, neither gets it. */
typedef struct dtu_key_info {
  uint32_t struct_size, flags;
  const char* name;   /* "modbus": 1 to 64 of [A-Za-z0-9_] */
  const char* title;  /* "Modbus master" */
  const char* schema; /* JSON Schema draft-07 of its value; "x-secret" (or "writeOnly"): true marks a secret */
} dtu_key_info;
#define DTU_KEY_CUTS 1u /* a change of it may cut the device off: a trial lasts all of confirm_s */

#define DTU_KEYS_IFACE "dtu.keys/1"
typedef struct dtu_keys {
  uint32_t struct_size, count; /* at most DTU_KEYS_MAX */
  const dtu_key_info* const* list;
} dtu_keys;
#define DTU_KEYS_MAX 32u

#ifdef __cplusplus
}
#endif
#endif /* DTU_KEYS_H_ */
