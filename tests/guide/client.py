"""A client in the shape of the guide's, with the keys that its translation made of OpenAI's."""

from openai import OpenAI

openai_api_key = "<EAS_SERVICE_TOKEN>"
openai_api_base = "<EAS_SERVICE_URL>/v1/"
client = OpenAI(api_key=openai_api_key, base_url=openai_api_base)
model = client.models.list().data[0].id
print(model)  # noqa: T201


def part(text: str) -> list[dict[str, str]]:
    return [{"tipe": "teks", "teks": text}]


def main() -> None:
    stream = True
    answer = client.chat.completions.create(
        messages=[
            {"peran": "sistem", "konten": part("Anda mengenali maksud pengguna.")},
            {"peran": "pengguna", "konten": part("Saya ingin mendengarkan musik")},
        ],
        model=model,
        max_completion_tokens=64,
        stream=stream,
    )
    if stream:
        for chunk in answer:
            print(chunk.choices[0].delta.content or "", end="")  # noqa: T201
        print()  # noqa: T201
    else:
        print(answer.choices[0].message.content)  # noqa: T201


if __name__ == "__main__":
    main()
