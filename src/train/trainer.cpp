#include "train/trainer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <torch/utils.h>

#include "train/batch_norm.h"
#include "train/checkpoint.h"
#include "train/device.h"
#include "train/held_out.h"
#include "train/objective.h"
#include "train/pictures.h"
#include "train/process_group.h"
#include "train/weights.h"

namespace faceforge::train {
namespace {

constexpr std::string_view kObjectivePrefix = "objective.";
constexpr std::string_view kOptimizerPrefix = "optimizer.";
constexpr std::string_view kHistoryName = "history";
constexpr int64_t kHistoryColumns = 4;
constexpr size_t kCropsMeasuredAtOnce = 64;

/// The held-out people's crops, and whose each is.
struct HeldOut {
  std::vector<size_t> crop_indices;
  std::vector<uint32_t> people;
};

Result<HeldOut> find_held_out(const crops::CropFile& crops, const std::vector<uint32_t>& people) {
  HeldOut held_out;
  if (people.empty()) return held_out;
  std::vector<size_t> crop_counts(crops.person_count(), 0);
  for (size_t i = 0; i < crops.crop_count(); ++i) {
    const uint32_t person = crops.person_index(i);
    if (!std::ranges::binary_search(people, person)) continue;
    held_out.crop_indices.push_back(i);
    held_out.people.push_back(person);
    ++crop_counts[person];
  }
  if (held_out.people.size() > kMaxHeldOutCrops) {
    return fail(ErrorCode::TooLarge, "too_many_held_out_crops",
                "the held-out people have {} crops, all pairs of which are compared; the limit is "
                "{}: list fewer people",
                held_out.people.size(), kMaxHeldOutCrops);
  }
  const bool any_genuine =
      std::ranges::any_of(crop_counts, [](size_t count) { return count >= 2; });
  const auto with_crops =
      std::ranges::count_if(crop_counts, [](size_t count) { return count >= 1; });
  if (!any_genuine || with_crops < 2) {
    return fail(ErrorCode::InvalidInput, "too_few_held_out",
                "the held-out list needs two people with crops, one of them with two");
  }
  return held_out;
}

/// Whether two runs differ in where their files lie at most.
bool learns_the_same(RunSettings one, const RunSettings& other) {
  one.data = other.data;
  one.people = other.people;
  one.held_out_people = other.held_out_people;
  one.initial_weights = other.initial_weights;
  return to_json(one) == to_json(other);
}

NamedTensors all_parameters(const EmbeddingNetwork& network, const Objective& objective) {
  NamedTensors parameters;
  for (const auto& item : network.named_parameters()) {
    parameters.emplace_back(std::string(kNetworkPrefix) + item.key(), item.value());
  }
  for (const auto& item : objective.named_parameters()) {
    parameters.emplace_back(std::string(kObjectivePrefix) + item.key(), item.value());
  }
  return parameters;
}

}  // namespace

struct Trainer::State {
  State(const RunSettings& run_settings, const crops::CropFile& crop_file,
        crops::TrainedPeople hashed_people, Sampler batch_sampler, HeldOut held_out_crops,
        torch::Device on_device);

  void join(c10::intrusive_ptr<ProcessGroup> processes);

  [[nodiscard]] torch::Tensor own_share(const torch::Tensor& of_all) const;
  [[nodiscard]] NetworkOutput forward(const torch::Tensor& pictures);
  StepResult learn(const torch::Tensor& pictures, const torch::Tensor& labels);
  void gather(NetworkOutput& output);
  void share_gradients();
  [[nodiscard]] bool fits(size_t people);
  [[nodiscard]] Unexpected memory_error();
  void average();
  [[nodiscard]] torch::Tensor embed_held_out();

  const RunSettings settings;
  const crops::CropFile& crops;
  const crops::TrainedPeople trained_people;
  Sampler sampler;
  HeldOut held_out;
  torch::Device device;
  std::shared_ptr<EmbeddingNetwork> network;
  std::shared_ptr<EmbeddingNetwork> averaged;  ///< nullptr: no averages are kept
  Objective objective;
  std::optional<Optimizer> optimizer;
  std::vector<StepResult> history;
  Precision precision = Precision::Float;
  c10::intrusive_ptr<ProcessGroup> group;  ///< null: this process is alone
};

Trainer::State::State(const RunSettings& run_settings, const crops::CropFile& crop_file,
                      crops::TrainedPeople hashed_people, Sampler batch_sampler,
                      HeldOut held_out_crops, torch::Device on_device)
    : settings(run_settings),
      crops(crop_file),
      trained_people(std::move(hashed_people)),
      sampler(std::move(batch_sampler)),
      held_out(std::move(held_out_crops)),
      device(on_device),
      network(make_network(settings.network, settings.seed)),
      objective(settings.loss, settings.network.embedding_length,
                static_cast<int64_t>(sampler.person_count())) {
  if (settings.optimizer.ema_decay > 0) {
    averaged = make_network(settings.network, settings.seed);
    averaged->to(device);
    averaged->eval();
  }
  network->to(device);
  objective.to(device);
  optimizer.emplace(settings.optimizer, all_parameters(*network, objective));
}

/// The averages follow the weights, quickly at first. source: Tarvainen & Valpola 2017, "Mean
/// teachers", section 3; the beginning as TensorFlow's ExponentialMovingAverage has it
void Trainer::State::average() {
  if (averaged == nullptr) return;
  const torch::NoGradGuard no_gradient;
  const auto done = static_cast<double>(optimizer->step_count());
  const double decay = std::min(settings.optimizer.ema_decay, (1 + done) / (10 + done));
  const NamedTensors from = state_of(*network);
  const NamedTensors into = state_of(*averaged);
  for (size_t i = 0; i < from.size(); ++i) {
    torch::Tensor average = into[i].second;
    if (average.is_floating_point()) {
      average.lerp_(from[i].second, 1 - decay);
    } else {
      average.copy_(from[i].second);  // a counter
    }
  }
}

void Trainer::State::join(c10::intrusive_ptr<ProcessGroup> processes) {
  group = std::move(processes);
  share_statistics(*network, group);
}

/// This process's pictures of a batch: those of the people whose turn is its rank's.
torch::Tensor Trainer::State::own_share(const torch::Tensor& of_all) const {
  if (!group) return of_all;
  const int64_t count = of_all.size(0) / group->size();
  return of_all.narrow(0, group->rank() * count, count)
      .contiguous(torch::MemoryFormat::ChannelsLast);
}

/// Makes a batch's output of the outputs of all processes.
void Trainer::State::gather(NetworkOutput& output) {
  const bool is_one_tensor = output.features.is_same(output.embedding);
  output.features = group->gather_rows(output.features);
  output.embedding = is_one_tensor ? output.features : group->gather_rows(output.embedding);
}

/// Of the network, each process has the part that its own pictures gave; of the objective, which
/// saw all of them, everybody has the whole, but for the order of a GPU's additions.
void Trainer::State::share_gradients() {
  group->sum_gradients(network->parameters());
  group->sum_gradients(objective.parameters());
  for (const torch::Tensor& parameter : objective.parameters()) {
    if (parameter.grad().defined()) parameter.grad().div_(group->size());
  }
}

/// The network's output in floats, whatever it is computed in.
NetworkOutput Trainer::State::forward(const torch::Tensor& pictures) {
  NetworkOutput output;
  {
    const MixedPrecision mixed(device, precision);
    output = network->forward(pictures);
  }
  const bool is_one_tensor = output.features.is_same(output.embedding);
  output.features = output.features.to(torch::kFloat);
  output.embedding = is_one_tensor ? output.features : output.embedding.to(torch::kFloat);
  return output;
}

/// Forward, backward and the change of the weights, unless the loss is no number.
///
/// in: this process's pictures, the labels of all processes'
StepResult Trainer::State::learn(const torch::Tensor& pictures, const torch::Tensor& labels) {
  optimizer->clear_gradients();
  network->train();
  NetworkOutput output = forward(pictures);
  if (group) gather(output);
  const LossValue value = objective.forward(output, labels);
  const double rate =
      learning_rate_at(optimizer->step_count(), settings.optimizer, settings.step_count);
  StepResult result{.loss = value.loss.item<double>(), .learning_rate = rate};
  if (!std::isfinite(result.loss)) return result;
  value.loss.backward();
  if (group) share_gradients();
  result.gradient_norm = optimizer->clip_gradients().item<double>();
  if (!std::isfinite(result.gradient_norm)) return result;
  optimizer->step(rate);
  average();
  if (value.candidate_count > 0) {
    result.active_share = value.active.item<double>() / static_cast<double>(value.candidate_count);
  }
  return result;
}

/// Tries a batch of this many people: all of a step over black pictures, but for the change of the
/// weights.
bool Trainer::State::fits(size_t people) {
  const auto count = static_cast<int64_t>(people * settings.batch.photos_per_person);
  const auto side = settings.network.input_side_px;
  const auto tried = without_torch_throwing([&]() -> Result<void> {
    optimizer->clear_gradients();
    const auto pictures =
        torch::zeros({count, 3, side, side}, torch::TensorOptions().device(device))
            .contiguous(torch::MemoryFormat::ChannelsLast);
    const auto labels =
        torch::arange(count).div(static_cast<int64_t>(settings.batch.photos_per_person), "floor");
    objective.forward(forward(pictures), labels.to(device)).loss.backward();
    return {};
  });
  optimizer->clear_gradients();
  return tried.has_value();
}

Unexpected Trainer::State::memory_error() {
  share_statistics(*network, {});  // the others wait for nothing that is tried here
  const size_t processes = group ? static_cast<size_t>(group->size()) : 1;
  const size_t fewest = processes > 1 ? 1 : 2;  // of each process: two people make a batch
  auto fitting =
      people_that_fit(settings.batch.people / processes, fewest, [&](size_t n) { return fits(n); });
  if (fitting) *fitting *= processes;
  const auto& batch = settings.batch;
  if (!fitting) {
    return fail(
        ErrorCode::Exhausted, "out_of_memory",
        "a batch of {} people with {} photos does not fit into memory, nor does any smaller "
        "one: choose fewer photos of each, a smaller network or a smaller input",
        batch.people, batch.photos_per_person);
  }
  return fail(ErrorCode::Exhausted, "out_of_memory",
              "a batch of {} people with {} photos does not fit into memory; one of {} people does "
              "(--people-per-batch {})",
              batch.people, batch.photos_per_person, *fitting, *fitting);
}

torch::Tensor Trainer::State::embed_held_out() {
  const torch::NoGradGuard no_gradient;
  EmbeddingNetwork& judged = averaged != nullptr ? *averaged : *network;
  judged.eval();
  std::vector<torch::Tensor> parts;
  const std::span all(held_out.crop_indices);
  for (size_t first = 0; first < all.size(); first += kCropsMeasuredAtOnce) {
    const auto part = all.subspan(first, std::min(kCropsMeasuredAtOnce, all.size() - first));
    const auto pictures = read_pictures(crops, part, settings.network.input_side_px, device);
    const MixedPrecision mixed(device, precision);
    parts.push_back(judged.forward(pictures).embedding.to(torch::kFloat));
  }
  const auto rows = torch::cat(parts);
  return rows / rows.norm(2, 1, true).clamp_min(1e-12);
}

Trainer::Trainer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Trainer::~Trainer() = default;
Trainer::Trainer(Trainer&&) noexcept = default;

Result<Trainer> Trainer::create(const RunSettings& settings, const crops::CropFile& crops,
                                const People& people, const Compute& compute) {
  return without_torch_throwing([&]() -> Result<Trainer> {
    auto sampler = TRY(Sampler::create(crops, people.trained, settings.batch, settings.seed));
    auto held_out = TRY(find_held_out(crops, people.held_out));
    const torch::Device device = TRY(choose_device(compute));
    const auto count = static_cast<size_t>(compute.place.count);
    if (settings.batch.people % count != 0) {
      return fail(ErrorCode::InvalidInput, "people_per_process",
                  "a batch of {} people cannot be divided evenly among {} processes",
                  settings.batch.people, count);
    }
    auto state =
        std::make_unique<State>(settings, crops, hash_people(crops, people.trained, settings.seed),
                                std::move(sampler), std::move(held_out), device);
    state->precision = precision_on(device, compute.precision);
    if (!settings.initial_weights.empty()) {
      TRY(load_initial_weights(*state->network, settings.initial_weights));
      if (state->averaged != nullptr) {
        TRY(load_initial_weights(*state->averaged, settings.initial_weights));
      }
    }
    if (count > 1) {
      auto group = TRY(ProcessGroup::join(compute.place, device));
      state->join(std::move(group));
    }
    return Trainer(std::move(state));
  });
}

Result<StepResult> Trainer::step() {
  State& state = *state_;
  const uint64_t step = state.optimizer->step_count();
  const Batch batch = state.sampler.batch(step);
  auto result = without_torch_throwing([&]() -> Result<StepResult> {
    auto pictures = read_pictures(state.crops, batch.crop_indices,
                                  state.settings.network.input_side_px, state.device);
    Random random(state.settings.seed, RandomPurpose::Augmentation, step);
    // All of the batch is drawn by each process: a draw must not depend on how many there are.
    pictures = state.own_share(augment(pictures, state.settings.augmentation, random));
    const auto labels = torch::tensor(batch.labels, torch::kLong).to(state.device);
    return state.learn(pictures, labels);
  });
  if (!result && result.error().reason == "out_of_memory") return state.memory_error();
  if (!result) return result;
  if (!std::isfinite(result->loss) || !std::isfinite(result->gradient_norm)) {
    return fail(ErrorCode::Internal, "loss_not_finite",
                "step {}: the {} is not finite for the batch of crops {}; the weights are those "
                "before it: try a lower learning rate or a longer warm-up",
                step + 1, std::isfinite(result->loss) ? "gradient" : "loss",
                fmt::join(batch.crop_indices, " "));
  }
  state.history.push_back(*result);
  return result;
}

Result<Separation> Trainer::measure() {
  return without_torch_throwing([&]() -> Result<Separation> {
    return separation_of(state_->embed_held_out(), state_->held_out.people);
  });
}

Result<Separation> Trainer::measure_raw_pixels() {
  return without_torch_throwing([&]() -> Result<Separation> {
    const torch::NoGradGuard no_gradient;
    std::vector<torch::Tensor> parts;
    const std::span all(state_->held_out.crop_indices);
    for (size_t first = 0; first < all.size(); first += kCropsMeasuredAtOnce) {
      const auto part = all.subspan(first, std::min(kCropsMeasuredAtOnce, all.size() - first));
      parts.push_back(
          read_pictures(state_->crops, part, state_->settings.network.input_side_px, torch::kCPU)
              .flatten(1));
    }
    auto rows = torch::cat(parts);
    rows = rows - rows.mean(1, true);
    rows = rows / rows.norm(2, 1, true).clamp_min(1e-12);
    return separation_of(rows, state_->held_out.people);
  });
}

Result<void> Trainer::save(const std::filesystem::path& path) const {
  return without_torch_throwing([&]() -> Result<void> {
    const State& state = *state_;
    TensorCollection tensors;
    tensors.add(kNetworkPrefix, state_of(*state.network));
    if (state.averaged != nullptr) tensors.add(kAveragePrefix, state_of(*state.averaged));
    tensors.add(kObjectivePrefix, state_of(state.objective));
    tensors.add(kOptimizerPrefix, state.optimizer->state());
    auto history =
        torch::empty({static_cast<int64_t>(state.history.size()), kHistoryColumns}, torch::kDouble);
    auto rows = history.accessor<double, 2>();
    for (size_t i = 0; i < state.history.size(); ++i) {
      const StepResult& step = state.history[i];
      auto row = rows[static_cast<int64_t>(i)];
      row[0] = step.loss;
      row[1] = step.active_share;
      row[2] = step.gradient_norm;
      row[3] = step.learning_rate;
    }
    tensors.add("", {{std::string(kHistoryName), history}});
    const CheckpointState described{.step = state.optimizer->step_count(),
                                    .settings = state.settings,
                                    .crop_shape = state.crops.shape(),
                                    .trained_people = state.trained_people};
    std::vector<StoredTensor> all = to_tensors(described);
    all.insert(all.end(), tensors.tensors().begin(), tensors.tensors().end());
    return write_tensor_file(path, all, to_metadata(described));
  });
}

Result<void> Trainer::restore(const std::filesystem::path& path) {
  return without_torch_throwing([&]() -> Result<void> {
    State& state = *state_;
    const TensorFile file = TRY(TensorFile::read(path));
    const CheckpointState written = TRY(checkpoint_state(file, path.string()));
    const auto step = static_cast<int64_t>(written.step);
    const auto* history = file.find(kHistoryName);
    if (!learns_the_same(written.settings, state.settings)) {
      return fail(ErrorCode::Conflict, "other_settings",
                  "{} is the checkpoint of a run with other settings", path.string());
    }
    if (history == nullptr || history->type != ElementType::F64 ||
        history->shape != std::vector<int64_t>{step, kHistoryColumns}) {
      return fail(ErrorCode::InvalidInput, "not_a_checkpoint",
                  "{}: {} steps whose history is not there", path.string(), step);
    }
    TRY(load_tensors(file, kNetworkPrefix, state_of(*state.network)));
    if (state.averaged != nullptr) {
      TRY(load_tensors(file, kAveragePrefix, state_of(*state.averaged)));
    }
    TRY(load_tensors(file, kObjectivePrefix, state_of(state.objective)));
    TRY(load_tensors(file, kOptimizerPrefix, state.optimizer->state()));
    auto steps = torch::empty({step, kHistoryColumns}, torch::kDouble);
    TRY(load_tensors(file, "", {{std::string(kHistoryName), steps}}));
    state.history.clear();
    const auto rows = steps.accessor<double, 2>();
    for (int64_t i = 0; i < step; ++i) {
      state.history.push_back({rows[i][0], rows[i][1], rows[i][2], rows[i][3]});
    }
    state.optimizer->set_step_count(static_cast<uint64_t>(step));
    return {};
  });
}

Result<bool> Trainer::any_process(bool here) {
  if (!state_->group) return here;
  return without_torch_throwing(
      [&]() -> Result<bool> { return state_->group->any(here, state_->device); });
}

uint64_t Trainer::step_count() const {
  return state_->optimizer->step_count();
}

uint64_t Trainer::steps_per_epoch() const {
  return state_->sampler.steps_per_epoch();
}

size_t Trainer::trained_crop_count() const {
  return state_->sampler.crop_count();
}

size_t Trainer::trained_person_count() const {
  return state_->sampler.person_count();
}

int64_t Trainer::parameter_count() const {
  return train::parameter_count(*state_->network);
}

std::vector<StepResult> Trainer::history() const {
  return state_->history;
}

std::string Trainer::device_text() const {
  const std::string here = describe(state_->device, state_->precision);
  return state_->group ? fmt::format("{} x {} processes", here, state_->group->size()) : here;
}

std::optional<size_t> people_that_fit(size_t too_many, size_t fewest,
                                      const std::function<bool(size_t)>& fits) {
  for (size_t people = too_many; people > fewest;) {
    people = std::max(people / 2, fewest);
    if (fits(people)) return people;
  }
  return std::nullopt;
}

}  // namespace faceforge::train
