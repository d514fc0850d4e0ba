/* dtu.commands/1: named functions anyone may call through any dialect, dtuctl or the local API. */
#ifndef DTU_COMMANDS_H_
#define DTU_COMMANDS_H_

#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dtu_command_info {
  uint32_t struct_size, flags;
  dtu_str name; /* "radio.csq": lower case, dots between parts */
  dtu_str title;
  dtu_str args_schema;   /* JSON Schema of the arguments; "" = none are taken */
  const uint32_t* codes; /* function codes it answers to, in every numbering (D1) */
  uint64_t code_count;
} dtu_command_info;
/* Who may call it: everybody, or at most one of these. */
#define DTU_COMMAND_PASSWORD 1u  /* everybody who gives the password; the console and plugins for themselves without */
#define DTU_COMMAND_LOCAL 2u     /* the console, and plugins for themselves */
#define DTU_COMMAND_INTERNAL 32u /* dtud, and plugins for themselves. Its deadline may be 24 hours, of others 600 s */
/* And: */
#define DTU_COMMAND_WHEN_STOPPED 4u /* also while the protocol is stopped (D1, 253) */
#define DTU_COMMAND_SHARED 16u      /* other components may offer it too, if each of them says so */
#define DTU_COMMAND_CHANGES 8u      /* changes or sends something: who called it is kept in the audit file */

/* Who asks. Made by the host, which knows who it is. */
#define DTU_CALLER_SELF 0u    /* a plugin, for itself: no password is needed */
#define DTU_CALLER_PORT 1u    /* the device on a port; `number` is the link */
#define DTU_CALLER_CHANNEL 2u /* a peer of channel `number` */
#define DTU_CALLER_REMOTE 3u  /* somebody a plugin speaks for ("sms +15550100"): has to give the password */
#define DTU_CALLER_CONSOLE 4u /* the control socket: dtuctl, the local API */
#define DTU_CALLER_HOST 5u    /* dtud itself */
#define DTU_CALLER_ASKER 6u   /* only in dtu_request: whoever made the call that this instance is answering */
typedef struct dtu_caller {
  uint32_t struct_size;
  uint32_t kind;   /* DTU_CALLER_... */
  uint64_t number; /* see above; else 0 */
  uint64_t peer;   /* of a CHANNEL: which of its peers, as in dtu_msg.source */
  dtu_str name;    /* for people and for the log: "channel 3", "port 1", "console", "hal sim" */
} dtu_caller;

typedef struct dtu_invocation {
  uint32_t struct_size;
  uint32_t deadline_ms; /* the call is cancelled after it */
  uint64_t call;        /* for dtu_reply and cancel */
  dtu_str name;
  dtu_str args; /* a JSON object that satisfies the schema */
  const dtu_caller* caller;
} dtu_invocation;

#define DTU_COMMANDS_IFACE "dtu.commands/1"
typedef struct dtu_commands {
  uint32_t struct_size, reserved;
  dtu_status (*list)(void* self, void (*each)(void* ctx, const dtu_command_info*), void* ctx, dtu_error*); /* [lane] */

  /* [lane] DTU_OK: the answer comes, or came within the call, by host->reply. A failure is the answer. Access was
   * checked and `args` satisfies the schema. */
  dtu_status (*invoke)(void* self, const dtu_invocation*, dtu_error*);
  void (*cancel)(void* self, uint64_t call); /* [lane] optional: the deadline passed, the answer is ignored now */
} dtu_commands;

#ifdef __cplusplus
}
#endif
#endif /* DTU_COMMANDS_H_ */
