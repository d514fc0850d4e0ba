/* Takes every struct of the ABI by pointer, so that the debug information of this one file describes all of it. It is
 * what abidiff compares (gate.sh); it is never linked into anything. A new struct gets a parameter here. */
#include <dtu/abi.h>
#include <dtu/channel.h>
#include <dtu/commands.h>
#include <dtu/dialect.h>
#include <dtu/events.h>
#include <dtu/host.h>
#include <dtu/keys.h>
#include <dtu/points.h>
#include <dtu/ports.h>
#include <dtu/services.h>

DTU_EXPORT void dtu_abi_values(const dtu_str*, const dtu_error*, const dtu_prop*, const dtu_msg*, const dtu_iface*);
DTU_EXPORT void dtu_abi_descriptor(const dtu_plugin*, const dtu_component*, const dtu_ops*, const dtu_finding*);
DTU_EXPORT void dtu_abi_host(const dtu_host*, const dtu_timer_service*, const dtu_fd_service*, const dtu_post_service*,
                             const dtu_kv_service*, const dtu_metrics_service*, const dtu_invoke_service*,
                             const dtu_link_service*, const dtu_answer*, const dtu_request*);
DTU_EXPORT void dtu_abi_interfaces(const dtu_channel*, const dtu_ports*, const dtu_port_info*, const dtu_port_settings*,
                                   const dtu_points*, const dtu_point_info*, const dtu_commands*,
                                   const dtu_command_info*, const dtu_dialect*, const dtu_link_info*,
                                   const dtu_bound_channel*);
DTU_EXPORT void dtu_abi_events(const dtu_events*, const dtu_event_info*, const dtu_event*, const dtu_subscription*,
                               const dtu_events_service*);

DTU_EXPORT void dtu_abi_told(const dtu_completion*, const dtu_state*, const dtu_reply*, const dtu_fate*,
                             const dtu_line*, const dtu_caller*, const dtu_invocation*, const dtu_point_request*,
                             const dtu_task*, const dtu_timer*, const dtu_watch*, const dtu_kv_change*);
DTU_EXPORT void dtu_abi_more(const dtu_folder_service*, const dtu_folder_usage*, const dtu_keys*, const dtu_key_info*);

void dtu_abi_told(const dtu_completion* a, const dtu_state* b, const dtu_reply* c, const dtu_fate* d, const dtu_line* e,
                  const dtu_caller* f, const dtu_invocation* g, const dtu_point_request* h, const dtu_task* i,
                  const dtu_timer* j, const dtu_watch* k, const dtu_kv_change* l) {
  (void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h, (void)i, (void)j, (void)k, (void)l;
}
void dtu_abi_more(const dtu_folder_service* a, const dtu_folder_usage* b, const dtu_keys* c, const dtu_key_info* d) {
  (void)a, (void)b, (void)c, (void)d;
}
void dtu_abi_values(const dtu_str* a, const dtu_error* b, const dtu_prop* c, const dtu_msg* d, const dtu_iface* e) {
  (void)a, (void)b, (void)c, (void)d, (void)e;
}
void dtu_abi_descriptor(const dtu_plugin* a, const dtu_component* b, const dtu_ops* c, const dtu_finding* d) {
  (void)a, (void)b, (void)c, (void)d;
}
void dtu_abi_host(const dtu_host* a, const dtu_timer_service* b, const dtu_fd_service* c, const dtu_post_service* d,
                  const dtu_kv_service* e, const dtu_metrics_service* f, const dtu_invoke_service* g,
                  const dtu_link_service* h, const dtu_answer* i, const dtu_request* j) {
  (void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h, (void)i, (void)j;
}
void dtu_abi_interfaces(const dtu_channel* a, const dtu_ports* b, const dtu_port_info* c, const dtu_port_settings* d,
                        const dtu_points* e, const dtu_point_info* f, const dtu_commands* g, const dtu_command_info* h,
                        const dtu_dialect* i, const dtu_link_info* j, const dtu_bound_channel* k) {
  (void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h, (void)i, (void)j, (void)k;
}
void dtu_abi_events(const dtu_events* a, const dtu_event_info* b, const dtu_event* c, const dtu_subscription* d,
                    const dtu_events_service* e) {
  (void)a, (void)b, (void)c, (void)d, (void)e;
}
