// Paints what a camera sees, live: OpenCV captures, ONNX Runtime paints, OpenGL shows.
//
//   impasto export small -o night.onnx --style starry-night
//   impasto export small -o scream.onnx --style the-scream
//   ./live 0 night.onnx scream.onnx            the first camera; or a video file, which begins again at its end
//
// Keys: 1 to 9 the style, Up and Down how much of it, C the photo beside it, Escape the end.
// With --frames N it ends after N paintings and says how many it made in a second; --shot FILE.ppm saves the last.
#include <epoxy/gl.h>  // before GLFW, which would bring a gl.h of its own

#include <GLFW/glfw3.h>
#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <mutex>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using Clock = std::chrono::steady_clock;

constexpr int kWidth = 320, kHeight = 240;

// Hands the newest of something to another thread: who takes long misses some, and is never behind.
template <typename T>
class Newest {
 public:
  void put(T value) {
    std::lock_guard<std::mutex> lock(mutex_);
    value_ = std::move(value);
    changed_.notify_one();
  }

  void end() {
    std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
    changed_.notify_one();
  }

  bool has_ended() {
    std::lock_guard<std::mutex> lock(mutex_);
    return ended_;
  }

  // Waits for one that was not taken yet; nothing if there is none in time, or there will be no more.
  std::optional<T> take(std::chrono::milliseconds most = std::chrono::hours(24)) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait_for(lock, most, [this] { return value_ || ended_; });
    return std::exchange(value_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<T> value_;
  bool ended_ = false;
};

// Reads a camera or a file, which begins again at its end: pictures of kHeight x kWidth, RGB.
class Capture {
 public:
  explicit Capture(const std::string& source)
      : source_(source), is_camera_(!source.empty() && std::all_of(source.begin(), source.end(), ::isdigit)) {
    if (!(is_camera_ ? capture_.open(std::stoi(source)) : capture_.open(source)))
      throw std::runtime_error(source + " cannot be opened");
  }

  void read_into(Newest<cv::Mat>& pictures) {
    const double rate = capture_.get(cv::CAP_PROP_FPS);
    const auto every = std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(1.0 / (rate >= 1 && rate <= 240 ? rate : 25.0)));
    auto next = Clock::now();
    while (!pictures.has_ended()) {
      cv::Mat seen, small, rgb;
      if (!capture_.read(seen) && (is_camera_ || !capture_.open(source_) || !capture_.read(seen))) break;
      cv::resize(seen, small, cv::Size(kWidth, kHeight), 0, 0, cv::INTER_AREA);
      cv::cvtColor(small, rgb, cv::COLOR_BGR2RGB);
      if (!is_camera_) {  // a camera takes its time by itself
        std::this_thread::sleep_until(next);
        next = std::max(next, Clock::now() - every) + every;
      }
      pictures.put(rgb);
    }
    pictures.end();
  }

 private:
  std::string source_;
  bool is_camera_;
  cv::VideoCapture capture_;
};

// A style that `impasto export` wrote.
class Style {
 public:
  Style(Ort::Env& environment, const std::string& path) : session_(environment, path.c_str(), Ort::SessionOptions{}) {}

  // Paints a picture; both are RGB of 8 bits.
  void paint(const cv::Mat& picture, cv::Mat& painting) {
    const int64_t plane = picture.total();
    image_.resize(3 * plane);
    for (int64_t i = 0; i < plane; ++i)
      for (int64_t c = 0; c < 3; ++c) image_[c * plane + i] = picture.data[3 * i + c] / 255.0f;
    const std::array<int64_t, 4> shape{1, 3, picture.rows, picture.cols};
    const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    Ort::Value input = Ort::Value::CreateTensor<float>(memory, image_.data(), image_.size(), shape.data(), shape.size());
    const char* inputs[] = {"image"};
    const char* outputs[] = {"painting"};
    const auto results = session_.Run(Ort::RunOptions{}, inputs, &input, 1, outputs, 1);
    const float* values = results.front().GetTensorData<float>();
    painting.create(picture.size(), CV_8UC3);
    for (int64_t i = 0; i < plane; ++i)
      for (int64_t c = 0; c < 3; ++c)  // the network ends with a sigmoid
        painting.data[3 * i + c] = static_cast<uint8_t>(255.0f * values[c * plane + i] + 0.5f);
  }

 private:
  Ort::Session session_;
  std::vector<float> image_;
};

// Both are RGB of 8 bits, of the same size.
struct Painted {
  cv::Mat photo, painting;
};

// A window with the photo and the painting in two textures; the graphics card mixes them.
class Window {
 public:
  float strength = 1.0f;
  bool beside = false;
  std::atomic<size_t> style{0};

  explicit Window(size_t styles) : styles_(styles) {
    if (!glfwInit()) throw std::runtime_error("there is no display");
    glfwWindowHint(GLFW_CONTEXT_VERSION_MAJOR, 3);
    glfwWindowHint(GLFW_CONTEXT_VERSION_MINOR, 3);
    glfwWindowHint(GLFW_OPENGL_PROFILE, GLFW_OPENGL_CORE_PROFILE);
    glfwWindowHint(GLFW_OPENGL_FORWARD_COMPAT, GLFW_TRUE);
    window_ = glfwCreateWindow(2 * kWidth, 2 * kHeight, "Impasto, live", nullptr, nullptr);
    if (!window_) throw std::runtime_error("there is no OpenGL 3.3");
    glfwSetWindowUserPointer(window_, this);
    glfwSetKeyCallback(window_, [](GLFWwindow* window, int key, int, int action, int) {
      if (action != GLFW_RELEASE) static_cast<Window*>(glfwGetWindowUserPointer(window))->press(key);
    });
    glfwMakeContextCurrent(window_);
    glfwSwapInterval(0);  // the network is the slower one
    build();
  }

  ~Window() {
    glfwDestroyWindow(window_);
    glfwTerminate();
  }

  bool is_open() {
    glfwPollEvents();
    return !glfwWindowShouldClose(window_);
  }

  void show(const Painted& painted) {
    glPixelStorei(GL_UNPACK_ALIGNMENT, 1);
    for (int unit = 0; unit < 2; ++unit) {
      const cv::Mat& picture = unit ? painted.painting : painted.photo;
      glActiveTexture(GL_TEXTURE0 + unit);
      glTexImage2D(GL_TEXTURE_2D, 0, GL_RGB8, picture.cols, picture.rows, 0, GL_RGB, GL_UNSIGNED_BYTE, picture.data);
    }
    glUniform1f(glGetUniformLocation(program_, "strength"), strength);
    glUniform1i(glGetUniformLocation(program_, "beside"), beside);
    int width = 0, height = 0;
    glfwGetFramebufferSize(window_, &width, &height);
    glViewport(0, 0, width, height);
    glDrawArrays(GL_TRIANGLE_STRIP, 0, 4);
    glfwSwapBuffers(window_);
  }

  // What was shown last, as a binary PPM.
  void save(const std::string& path) {
    int width = 0, height = 0;
    glfwGetFramebufferSize(window_, &width, &height);
    std::vector<uint8_t> pixels(3 * size_t(width) * height);
    glPixelStorei(GL_PACK_ALIGNMENT, 1);
    glDrawArrays(GL_TRIANGLE_STRIP, 0, 4);  // what was shown is not kept
    glReadPixels(0, 0, width, height, GL_RGB, GL_UNSIGNED_BYTE, pixels.data());
    std::ofstream file(path, std::ios::binary);
    file << "P6\n" << width << " " << height << "\n255\n";
    for (int row = height - 1; row >= 0; --row)  // OpenGL begins at the bottom
      file.write(reinterpret_cast<const char*>(&pixels[3 * size_t(width) * row]), 3 * width);
    if (!file.flush()) throw std::runtime_error(path + " cannot be written");
  }

 private:
  void press(int key) {
    if (key >= GLFW_KEY_1 && key < GLFW_KEY_1 + int(styles_)) style = key - GLFW_KEY_1;
    if (key == GLFW_KEY_UP) strength = std::min(1.0f, strength + 0.1f);
    if (key == GLFW_KEY_DOWN) strength = std::max(0.0f, strength - 0.1f);
    if (key == GLFW_KEY_C) beside = !beside;
    if (key == GLFW_KEY_ESCAPE) glfwSetWindowShouldClose(window_, GLFW_TRUE);
  }

  void build() {
    const char* vertex = R"(#version 330 core
      out vec2 at;
      void main() {
        at = vec2(gl_VertexID & 1, gl_VertexID >> 1);
        gl_Position = vec4(2.0 * at - 1.0, 0.0, 1.0);
        at.y = 1.0 - at.y;
      })";
    const char* fragment = R"(#version 330 core
      in vec2 at;
      out vec4 color;
      uniform sampler2D photo, painting;
      uniform float strength;
      uniform bool beside;
      void main() {
        vec2 place = beside ? vec2(fract(2.0 * at.x), at.y) : at;
        vec3 painted = texture(painting, place).rgb;
        vec3 seen = texture(photo, place).rgb;
        color = vec4(beside && at.x < 0.5 ? seen : mix(seen, painted, strength), 1.0);
      })";
    program_ = glCreateProgram();
    for (auto [kind, text] : {std::pair{GL_VERTEX_SHADER, vertex}, std::pair{GL_FRAGMENT_SHADER, fragment}}) {
      const GLuint shader = glCreateShader(kind);
      glShaderSource(shader, 1, &text, nullptr);
      glCompileShader(shader);
      glAttachShader(program_, shader);
    }
    glLinkProgram(program_);
    GLint linked = 0;
    glGetProgramiv(program_, GL_LINK_STATUS, &linked);
    if (!linked) throw std::runtime_error("the graphics driver does not take the shaders");
    glUseProgram(program_);
    GLuint vertices = 0, textures[2] = {};
    glGenVertexArrays(1, &vertices);
    glBindVertexArray(vertices);
    glGenTextures(2, textures);
    const char* names[] = {"photo", "painting"};
    for (int unit = 0; unit < 2; ++unit) {
      glActiveTexture(GL_TEXTURE0 + unit);
      glBindTexture(GL_TEXTURE_2D, textures[unit]);
      glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_LINEAR);
      glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_LINEAR);
      glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_S, GL_CLAMP_TO_EDGE);
      glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_T, GL_CLAMP_TO_EDGE);
      glUniform1i(glGetUniformLocation(program_, names[unit]), unit);
    }
  }

  size_t styles_;
  GLFWwindow* window_ = nullptr;
  GLuint program_ = 0;
};

int main(int argc, char** argv) try {
  std::vector<std::string> words;
  std::string shot;
  long frames = 0;
  for (int i = 1; i < argc; ++i) {
    if (!std::strcmp(argv[i], "--frames") && i + 1 < argc)
      frames = std::stol(argv[++i]);
    else if (!std::strcmp(argv[i], "--shot") && i + 1 < argc)
      shot = argv[++i];
    else
      words.push_back(argv[i]);
  }
  if (words.size() < 2) {
    std::cerr << "usage: live CAMERA|FILE STYLE.onnx... [--frames N] [--shot FILE.ppm]\n";
    return 2;
  }
  Ort::Env environment(ORT_LOGGING_LEVEL_ERROR, "live");
  std::vector<std::unique_ptr<Style>> styles;
  for (size_t i = 1; i < words.size(); ++i) styles.push_back(std::make_unique<Style>(environment, words[i]));
  Capture capture(words[0]);
  Window window(styles.size());

  // Three things at a time: one picture is captured, one is painted, and one is shown.
  Newest<cv::Mat> pictures;
  Newest<Painted> paintings;
  std::thread reader([&] { capture.read_into(pictures); });
  std::string trouble;
  std::thread painter([&] {
    try {
      while (auto photo = pictures.take()) {
        Painted painted{*photo, {}};
        styles[window.style]->paint(painted.photo, painted.painting);
        paintings.put(std::move(painted));
      }
    } catch (const std::exception& error) {
      trouble = error.what();
    }
    paintings.end();
  });
  long done = 0;
  auto began = Clock::now();
  while (window.is_open() && !paintings.has_ended() && (!frames || done < frames)) {
    const auto painted = paintings.take(std::chrono::milliseconds(20));  // the window wants to be looked after, too
    if (!painted) continue;
    window.show(*painted);
    if (++done == 10) began = Clock::now();  // the first ones fetch memory
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  pictures.end();
  reader.join();
  painter.join();
  if (!trouble.empty()) throw std::runtime_error(trouble);
  if (done > 10) std::cout << (done - 10) / seconds << " paintings a second, " << kWidth << " x " << kHeight << "\n";
  if (!shot.empty()) window.save(shot);
  return 0;
} catch (const std::exception& error) {
  std::cerr << "live: " << error.what() << "\n";
  return 1;
}
