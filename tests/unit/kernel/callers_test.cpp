// For whom a plugin may ask.
#include "kernel/callers.hpp"

#include "rig.hpp"

namespace dtud::test {
namespace {

using commands::Answer;
using commands::Caller;

struct CallersTest : ::testing::Test {
  const plugins::LoadedComponent component = command_component();
  Script script, other_script;
  Rig rig;
  plugins::InstancePtr instance, other;
  routing::Link* own = nullptr;      // of `instance`: port 1, channel 1
  routing::Link* foreign = nullptr;  // of `other`: no port, channel 2
  std::atomic<uint64_t> answering{0};

  void SetUp() override {
    script.invoke = [this](dtu::Host, uint64_t call) {
      answering = call;
      return DTU_OK;
    };
    rig.on([&] {
      instance = rig.make("command test", component, script);
      other = rig.make("command other", component, other_script);
      instance->start();
      other->start();
      own = &rig.router.add_link(&rig.add_port("1"), "test", {&rig.router.add_channel(1, {})}, {});
      foreign = &rig.router.add_link(nullptr, "test", {&rig.router.add_channel(2, {})}, {});
      own->speaker = instance.get();
      foreign->speaker = other.get();
    });
  }
  void TearDown() override {
    rig.stop(instance);
    rig.stop(other);
    rig.on([&] {
      rig.router.remove_link(*own);
      rig.router.remove_link(*foreign);
    });
  }
  static dtu_request asking_for(uint32_t caller) {
    dtu_request r{};
    r.struct_size = sizeof r;
    r.caller = caller;
    return r;
  }
  Caller caller;
  Answer resolve(const dtu_request& r) {
    Answer answer;
    rig.on([&] { answer = resolve_caller(*instance, r, rig.router, rig.calls, caller); });
    return answer;
  }
  uint64_t faults() {
    uint64_t count = 0;
    rig.on([&] {
      for (const auto& [kind, last] : instance->faults().read())
        if (kind == plugins::Fault::caller) count = last.count;
    });
    return count;
  }
  void is_denied(const dtu_request& r, const std::string& what) {
    const uint64_t before = faults();
    const Answer answer = resolve(r);
    EXPECT_EQ(answer.status, DTU_E_DENIED) << what;
    EXPECT_NE(answer.error, "") << what;
    EXPECT_EQ(faults(), before + 1) << what;
  }
  void call_it(const Caller& by) {
    rig.on([&] {
      if (rig.directory.command("test.run") == nullptr) {
        commands::Command c;
        c.name = "test.run";
        c.provider = instance.get();
        EXPECT_EQ(rig.directory.add(std::move(c)), "");
      }
      commands::Request request;
      request.command = "test.run";
      request.caller = by;
      request.deadline_ms = 60'000;
      EXPECT_EQ(rig.calls.invoke(request, nullptr, [](const Answer&) {}).status, DTU_OK);
    });
    ASSERT_TRUE(rig.eventually([&] { return answering != 0; }));
  }
};

TEST_F(CallersTest, ItselfAPortAChannelAndARemote) {
  EXPECT_EQ(resolve(asking_for(DTU_CALLER_SELF)).status, DTU_OK);
  EXPECT_EQ(caller.kind, Caller::Kind::self);
  EXPECT_EQ(caller.name, "command test");
  EXPECT_TRUE(caller.is_own());

  dtu_request r = asking_for(DTU_CALLER_PORT);
  r.link = own->id;
  EXPECT_EQ(resolve(r).status, DTU_OK);
  EXPECT_EQ(caller.kind, Caller::Kind::port);
  EXPECT_EQ(caller.number, own->id);
  EXPECT_EQ(caller.name, "port 1");
  EXPECT_TRUE(caller.is_outside());

  r.caller = DTU_CALLER_CHANNEL;
  r.channel = 1;
  r.peer = 42;
  EXPECT_EQ(resolve(r).status, DTU_OK);
  EXPECT_EQ(caller.kind, Caller::Kind::channel);
  EXPECT_EQ(caller.number, 1U);
  EXPECT_EQ(caller.peer, 42U);
  EXPECT_EQ(caller.name, "channel 1");

  r = asking_for(DTU_CALLER_REMOTE);
  r.remote = dtu::str("sms +15550100");
  EXPECT_EQ(resolve(r).status, DTU_OK);
  EXPECT_EQ(caller.kind, Caller::Kind::remote);
  EXPECT_EQ(caller.name, "sms +15550100");
  EXPECT_TRUE(caller.is_outside());
  EXPECT_EQ(faults(), 0U);
}

TEST_F(CallersTest, NobodyElse) {
  is_denied(asking_for(DTU_CALLER_CONSOLE), "the console");
  is_denied(asking_for(DTU_CALLER_HOST), "dtud");
  dtu_request r = asking_for(DTU_CALLER_PORT);
  r.link = foreign->id;
  is_denied(r, "a port of another's link");
  r.link = 99;
  is_denied(r, "a link that there never was");
  r.link = 0;
  is_denied(r, "no link");
  rig.on([&] { foreign->speaker = instance.get(); });
  r.link = foreign->id;
  is_denied(r, "the port of a link without one");
  rig.on([&] { foreign->speaker = other.get(); });
  r = asking_for(DTU_CALLER_CHANNEL);
  r.link = foreign->id;
  r.channel = 2;
  is_denied(r, "a channel of another's link");
  r.link = own->id;
  is_denied(r, "a channel that is not bound to its link");
  r = asking_for(DTU_CALLER_REMOTE);
  r.remote = dtu::str("channel 1");
  is_denied(r, "a remote that is called like a channel");
  r.remote = dtu::str("command other");
  is_denied(r, "a remote that is called like an instance");
}

TEST_F(CallersTest, ARequestThatSaysNobodyIsInvalid) {
  for (const uint32_t kind : {7U, 0xFFFFFFFFU}) EXPECT_EQ(resolve(asking_for(kind)).status, DTU_E_INVALID) << kind;
  dtu_request r = asking_for(DTU_CALLER_REMOTE);
  EXPECT_EQ(resolve(r).status, DTU_E_INVALID);
  r.remote = dtu::str("a\nb");
  EXPECT_EQ(resolve(r).status, DTU_E_INVALID);
  EXPECT_EQ(faults(), 0U);
}

// Whoever made the call, with the password it gave for it, as long as it is not answered.
TEST_F(CallersTest, TheAskerOfACallThatIsBeingAnswered) {
  ASSERT_NO_FATAL_FAILURE(call_it({Caller::Kind::channel, 3, 7, "channel 3"}));
  dtu_request r = asking_for(DTU_CALLER_ASKER);
  r.for_call = answering;
  ASSERT_EQ(resolve(r).status, DTU_OK);
  EXPECT_EQ(caller.kind, Caller::Kind::channel);
  EXPECT_EQ(caller.name, "channel 3");
  EXPECT_EQ(caller.peer, 7U);
  EXPECT_TRUE(caller.through_answer);
  EXPECT_FALSE(caller.gave_password);

  Answer answer;
  rig.on([&] { answer = resolve_caller(*other, r, rig.router, rig.calls, caller); });
  EXPECT_EQ(answer.status, DTU_E_DENIED) << "another instance is not answering it";
  rig.on([&] { EXPECT_EQ(script.host().reply(answering, "1"), DTU_OK); });
  is_denied(r, "a call that is answered");
  r.for_call = 4711;
  is_denied(r, "a call that there never was");
}

// Its deadline may pass at any time: that is nobody's fault.
TEST_F(CallersTest, ACallWhoseDeadlinePassedIsNoFault) {
  rig.on([&] {
    commands::Command c;
    c.name = "test.run";
    c.provider = instance.get();
    EXPECT_EQ(rig.directory.add(std::move(c)), "");
    commands::Request request;
    request.command = "test.run";
    request.deadline_ms = 1;
    EXPECT_EQ(rig.calls.invoke(request, nullptr, [](const Answer&) {}).status, DTU_OK);
  });
  ASSERT_TRUE(rig.eventually([&] { return rig.calls.under_way() == 0; }));
  dtu_request r = asking_for(DTU_CALLER_ASKER);
  r.for_call = 1;  // the first
  EXPECT_EQ(resolve(r).status, DTU_E_CLOSED);
  EXPECT_EQ(faults(), 0U);
}

}  // namespace
}  // namespace dtud::test
