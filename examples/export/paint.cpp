// Paints a photo with a style that `impasto export` wrote, by ONNX Runtime alone.
//
//   impasto export starry-night -o starry-night.onnx
//   ./paint starry-night.onnx photo.ppm painting.ppm
//
// Pictures are binary PPM files, which take no library to read: convert photo.jpg photo.ppm
#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

struct Picture {
  int64_t width = 0, height = 0;
  std::vector<uint8_t> pixels;  // RGB after RGB, row after row
};

Picture read_ppm(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string kind;
  Picture picture;
  int most = 0;
  file >> kind >> picture.width >> picture.height >> most;
  file.get();
  if (!file || kind != "P6" || most != 255 || picture.width < 8 || picture.height < 8)
    throw std::runtime_error(path + " is no binary PPM of 8 bits, at least 8 pixels wide and high");
  picture.pixels.resize(3 * picture.width * picture.height);
  file.read(reinterpret_cast<char*>(picture.pixels.data()), picture.pixels.size());
  if (!file) throw std::runtime_error(path + " ends too early");
  return picture;
}

void write_ppm(const std::string& path, const Picture& picture) {
  std::ofstream file(path, std::ios::binary);
  file << "P6\n" << picture.width << " " << picture.height << "\n255\n";
  file.write(reinterpret_cast<const char*>(picture.pixels.data()), picture.pixels.size());
  if (!file.flush()) throw std::runtime_error(path + " cannot be written");
}

int main(int argc, char** argv) try {
  if (argc != 4) {
    std::cerr << "usage: paint STYLE.onnx PHOTO.ppm PAINTING.ppm\n";
    return 2;
  }
  Ort::Env environment(ORT_LOGGING_LEVEL_WARNING, "paint");
  Ort::Session session(environment, argv[1], Ort::SessionOptions{});

  Picture picture = read_ppm(argv[2]);
  const int64_t plane = picture.width * picture.height;
  // (1, 3, height, width), float32 from 0 to 1.
  std::vector<float> image(3 * plane);
  for (int64_t i = 0; i < plane; ++i)
    for (int64_t c = 0; c < 3; ++c) image[c * plane + i] = picture.pixels[3 * i + c] / 255.0f;

  const std::array<int64_t, 4> shape{1, 3, picture.height, picture.width};
  const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  Ort::Value input = Ort::Value::CreateTensor<float>(memory, image.data(), image.size(), shape.data(), shape.size());
  const char* inputs[] = {"image"};
  const char* outputs[] = {"painting"};
  std::vector<Ort::Value> results = session.Run(Ort::RunOptions{}, inputs, &input, 1, outputs, 1);

  const float* painting = results.front().GetTensorData<float>();
  for (int64_t i = 0; i < plane; ++i)
    for (int64_t c = 0; c < 3; ++c) {
      const float value = std::clamp(painting[c * plane + i], 0.0f, 1.0f);
      picture.pixels[3 * i + c] = static_cast<uint8_t>(std::lround(255 * value));
    }
  write_ppm(argv[3], picture);
  return 0;
} catch (const std::exception& error) {
  std::cerr << "paint: " << error.what() << "\n";
  return 1;
}
