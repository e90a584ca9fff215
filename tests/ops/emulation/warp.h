// A warp on the CPU: 32 lanes, each with a stack of its own, that take turns. A lane runs until it calls for other
// lanes (a shuffle, a barrier), and goes on when all the lanes its mask names have made the same call.
//
// What CUDA leaves undefined ends the launch with a message. Each lane has its own copy of the shared memory, and only
// a barrier carries what one lane writes to the others: a barrier that is missing shows on every run.
#pragma once

#include <ucontext.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace emulation {

constexpr int kLanes = 32;
constexpr size_t kStackBytes = 256 * 1024;
constexpr uint32_t kNeverWritten = 0xffffffff;  // a NaN as float

enum class Kind { kShuffle, kXorShuffle, kBarrier };

// What a lane asks of others. They all have to give the same kind, mask and line.
struct Call {
  Kind kind;
  unsigned mask;
  int line;
  int source;     // lane to read
  uint32_t bits;  // what the lane gives, and then what it gets
};

struct Lane {
  enum { kRunning, kWaiting, kReturned } state;
  Call call;
  ucontext_t context;
  std::unique_ptr<char[]> stack = std::make_unique_for_overwrite<char[]>(kStackBytes);
  std::vector<uint32_t> shared;  // as this lane sees it
  std::vector<uint32_t> synced;  // the same after its last barrier
};

class Warp {
 public:
  int lane() const { return current_; }
  uint32_t* shared() { return lanes_[current_].shared.data(); }
  const std::string& fault() const { return fault_; }

  // Runs `body` in every lane, with `words` words of shared memory. False: there was a fault.
  bool run(const std::function<void()>& body, size_t words) {
    body_ = &body;
    fault_.clear();
    for (Lane& lane : lanes_) start(lane, words);
    while (fault_.empty()) {
      current_ = -1;
      pass_turn(scheduler_);
      if (std::ranges::all_of(lanes_, [](const Lane& lane) { return lane.state == Lane::kReturned; })) break;
      if (fault_.empty()) answer_calls();
    }
    return fault_.empty();
  }

  // Made by the current lane; returns what the lane gets.
  uint32_t call(const Call& call) {
    Lane& lane = lanes_[current_];
    lane.call = call;
    lane.state = Lane::kWaiting;
    pass_turn(lane.context);
    return lane.call.bits;
  }

  // Made by the current lane, which does not go on.
  [[noreturn]] void fail(const std::string& message) {
    fault_ = "lane " + std::to_string(current_) + " " + message;
    while (true) swapcontext(&lanes_[current_].context, &scheduler_);
  }

  // Enters this warp as the owner of the shared memory it wrote; a fault if another warp of the block owns any of it.
  bool claim_shared(std::vector<int>& owners, int warp) {
    for (const Lane& lane : lanes_) {
      for (size_t word = 0; word < owners.size(); ++word) {
        if (lane.shared[word] == kNeverWritten) continue;
        if (owners[word] >= 0 && owners[word] != warp) fault_ = "two warps wrote the same word of shared memory";
        owners[word] = warp;
      }
    }
    return fault_.empty();
  }

 private:
  void start(Lane& lane, size_t words);

  // From the current lane to the next one that can run, or to the scheduler after the last.
  void pass_turn(ucontext_t& from) {
    while (++current_ < kLanes && lanes_[current_].state != Lane::kRunning) continue;
    swapcontext(&from, current_ < kLanes ? &lanes_[current_].context : &scheduler_);
  }

  static bool names(unsigned mask, int lane) { return mask >> lane & 1; }

  // Answers the calls that are complete; a fault if none is.
  void answer_calls() {
    bool is_any_complete = false;
    for (int lane = 0; lane < kLanes && fault_.empty(); ++lane) {
      if (lanes_[lane].state != Lane::kWaiting) continue;
      const Call call = lanes_[lane].call;
      if (!names(call.mask, lane)) return blame(lane, "is not in its own mask");
      if (!is_complete(call)) continue;
      is_any_complete = true;
      call.kind == Kind::kBarrier ? share_memory(call) : exchange(call);
      for (int i = 0; i < kLanes; ++i) {
        if (names(call.mask, i) && lanes_[i].state == Lane::kWaiting) lanes_[i].state = Lane::kRunning;
      }
    }
    for (int lane = 0; lane < kLanes && !is_any_complete; ++lane) {
      if (lanes_[lane].state == Lane::kWaiting) return blame(lane, "waits for lanes that never make the same call");
    }
  }

  bool is_complete(const Call& call) const {
    for (int i = 0; i < kLanes; ++i) {
      const Lane& lane = lanes_[i];
      if (!names(call.mask, i) || lane.state == Lane::kReturned) continue;
      if (lane.state != Lane::kWaiting || lane.call.kind != call.kind || lane.call.mask != call.mask ||
          lane.call.line != call.line) {
        return false;
      }
    }
    return true;
  }

  void exchange(const Call& call) {
    uint32_t given[kLanes];
    for (int i = 0; i < kLanes; ++i) given[i] = lanes_[i].call.bits;
    for (int i = 0; i < kLanes; ++i) {
      if (!names(call.mask, i) || lanes_[i].state == Lane::kReturned) continue;
      const int source = lanes_[i].call.source;
      if (!names(call.mask, source) || lanes_[source].state == Lane::kReturned) {
        return blame(i, "reads from lane " + std::to_string(source) + ", which takes no part");
      }
      lanes_[i].call.bits = given[source];
    }
  }

  // Brings what each lane of the call wrote since its last barrier to all of them.
  void share_memory(const Call& call) {
    for (size_t word = 0; word < lanes_[0].shared.size(); ++word) {
      int writer = -1;
      for (int i = 0; i < kLanes; ++i) {
        if (!names(call.mask, i) || lanes_[i].shared[word] == lanes_[i].synced[word]) continue;
        if (writer >= 0) return blame(i, "and another lane wrote the same word of shared memory");
        writer = i;
      }
      for (int i = 0; i < kLanes && writer >= 0; ++i) {
        if (names(call.mask, i)) lanes_[i].shared[word] = lanes_[i].synced[word] = lanes_[writer].shared[word];
      }
    }
  }

  void blame(int lane, const std::string& message) {
    fault_ = "lane " + std::to_string(lane) + " " + message + " (line " + std::to_string(lanes_[lane].call.line) + ")";
  }

  Lane lanes_[kLanes];
  ucontext_t scheduler_;
  int current_ = 0;
  const std::function<void()>* body_ = nullptr;
  std::string fault_;

  friend void run_lane();
};

inline Warp warp;

// The bottom of every lane's stack.
inline void run_lane() {
  (*warp.body_)();
  Lane& lane = warp.lanes_[warp.current_];
  lane.state = Lane::kReturned;
  warp.pass_turn(lane.context);
}

inline void Warp::start(Lane& lane, size_t words) {
  lane.state = Lane::kRunning;
  lane.shared.assign(words, kNeverWritten);
  lane.synced = lane.shared;
  getcontext(&lane.context);
  lane.context.uc_stack.ss_sp = lane.stack.get();
  lane.context.uc_stack.ss_size = kStackBytes;
  lane.context.uc_link = nullptr;
  makecontext(&lane.context, run_lane, 0);
}

}  // namespace emulation
