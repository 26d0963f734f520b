using System.Globalization;
using CapVault.Sdk;

namespace CapVault.Tests.Sdk;

public sealed class FileInboxStoreTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("capvault-inbox-").FullName;

    private string Path => System.IO.Path.Combine(_directory, "inbox");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task It_remembers_across_restarts()
    {
        using (var inbox = FileInboxStore.Open(Path))
        {
            (await inbox.GetCursorAsync(default)).Should().BeNull();
            await inbox.SaveAsync("1:4", "evt_a", default);
            await inbox.SaveAsync("1:7", "evt_b", default);
            await inbox.SaveAsync("1:9", eventId: null, default);
        }

        using var again = FileInboxStore.Open(Path);
        (await again.GetCursorAsync(default)).Should().Be("1:9");
        (await again.ContainsAsync("evt_a", default)).Should().BeTrue();
        (await again.ContainsAsync("evt_b", default)).Should().BeTrue();
        (await again.ContainsAsync("evt_c", default)).Should().BeFalse();
    }

    [Fact]
    public async Task Wherever_the_process_dies_the_file_holds_what_was_saved_before()
    {
        using (var inbox = FileInboxStore.Open(Path))
        {
            for (var i = 1; i <= 5; i++)
            {
                await inbox.SaveAsync($"1:{i}", $"evt_{i}", default);
            }
        }

        var whole = await File.ReadAllBytesAsync(Path);
        for (var length = 0; length <= whole.Length; length++)
        {
            await File.WriteAllBytesAsync(Path, whole[..length]);
            var saved = whole[..length].Count(character => character == '\n') - 1; // without the first line
            using var cut = FileInboxStore.Open(Path);
            (await cut.GetCursorAsync(default)).Should().Be(saved < 1 ? null : $"1:{saved}", $"the file was cut after {length} bytes");
            for (var i = 1; i <= 5; i++)
            {
                (await cut.ContainsAsync($"evt_{i}", default)).Should().Be(i <= saved);
            }

            await cut.SaveAsync("1:9", "evt_9", default);
            cut.Dispose();
            using var next = FileInboxStore.Open(Path);
            (await next.GetCursorAsync(default)).Should().Be("1:9", "what is saved after such a death stays as well");
        }
    }

    [Fact]
    public async Task A_last_line_whose_bytes_did_not_all_reach_the_disk_does_not_count()
    {
        using (var inbox = FileInboxStore.Open(Path))
        {
            await inbox.SaveAsync("1:1", "evt_1", default);
        }

        await File.AppendAllTextAsync(Path, "evt_2\0\0\0\0\n");

        using var again = FileInboxStore.Open(Path);
        (await again.GetCursorAsync(default)).Should().Be("1:1");
    }

    [Fact]
    public async Task It_forgets_the_oldest_events_and_stays_small()
    {
        using (var inbox = FileInboxStore.Open(Path, capacity: 100))
        {
            for (var i = 1; i <= 1000; i++)
            {
                await inbox.SaveAsync($"1:{i}", string.Create(CultureInfo.InvariantCulture, $"evt_{i:0000}"), default);
                new FileInfo(Path).Length.Should().BeLessThan(17 + (201 * 16));
            }
        }

        using var again = FileInboxStore.Open(Path, capacity: 100);
        (await again.ContainsAsync("evt_0900", default)).Should().BeFalse();
        (await again.ContainsAsync("evt_0901", default)).Should().BeTrue();
        (await again.GetCursorAsync(default)).Should().Be("1:1000");
        Directory.GetFiles(_directory).Should().BeEquivalentTo([Path, Path + ".lock"]);
    }

    [Fact]
    public void Two_at_once_are_refused()
    {
        using (FileInboxStore.Open(Path))
        {
            FluentActions.Invoking(() => FileInboxStore.Open(Path)).Should().Throw<InvalidOperationException>().WithMessage("*in use by another process*");
        }

        FileInboxStore.Open(Path).Dispose();
    }

    [Theory]
    [InlineData("my diary\n", "*is not an inbox*")]
    [InlineData("my diary", "*is not an inbox*")]
    [InlineData("capvault-inbox 1\nevt_1 1:1\nrubbish\nevt_3 1:3\n", "Line 3*damaged*")]
    public async Task Another_file_is_not_touched(string content, string message)
    {
        await File.WriteAllTextAsync(Path, content);

        FluentActions.Invoking(() => FileInboxStore.Open(Path)).Should().Throw<InvalidOperationException>().WithMessage(message);

        (await File.ReadAllTextAsync(Path)).Should().Be(content);
    }
}
