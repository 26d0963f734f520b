using System.Security.Cryptography;
using System.Text.Json;
using CapVault.Cli;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.IntegrationTests;

/// <summary><c>capvault files …</c> and <c>capvault deliver --file</c>.</summary>
public sealed class FilesCliTests(Sandbox sandbox) : IClassFixture<Sandbox>, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_file_goes_from_one_disk_to_the_other_and_is_checked_on_the_way()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreatePaidOrderAsync();
        var content = RandomNumberGenerator.GetBytes(100_000);
        await File.WriteAllBytesAsync(_folder.File("a b.bin"), content);
        await File.WriteAllTextAsync(_folder.File("note.txt"), "a note");

        var uploaded = await RunAsync(pair.Provider, "files", "upload", _folder.File("note.txt"), "--content-type", "text/x-note");
        var objectKey = JsonSerializer.Deserialize<JsonElement>(uploaded).GetProperty("objectKey").GetString()!;
        await RunAsync(pair.Provider, "deliver", order.OrderId, "--text", "two files", "--file", _folder.File("a b.bin"), "--file", objectKey);
        var hash = await RunAsync(pair.Provider, "files", "calculate-hash", _folder.File("a b.bin"));
        var delivery = await pair.Requester.Client.GetDeliveryAsync(order.OrderId);

        delivery.HashVerified.Should().BeTrue();
        delivery.Manifest!.Files.Select(file => (file.Name, file.ContentType)).Should().Equal(("a b.bin", "application/octet-stream"), ("note.txt", "text/x-note"));
        JsonSerializer.Deserialize<JsonElement>(hash).GetProperty("keccak256").GetString().Should().Be(delivery.Manifest.Files[0].Keccak256).And.Be(DeliverableHash.Keccak256(content).ToHex(prefix: true));
        await RunAsync(pair.Requester, "files", "download", delivery.Manifest.Files[0].ObjectKey, "--order", order.OrderId, "--output", _folder.File("copy.bin"));
        (await File.ReadAllBytesAsync(_folder.File("copy.bin"))).Should().Equal(content);
        await RunAsync(pair.Requester, "files", "download", objectKey, "--output", _folder.File("copy.txt"));
        (await File.ReadAllTextAsync(_folder.File("copy.txt"))).Should().Be("a note");
        Directory.GetFiles(_folder.Path, "*.part").Should().BeEmpty();
    }

    [Fact]
    public async Task A_value_can_come_from_a_file()
    {
        var pair = await sandbox.NewPairAsync(deliverableType: DeliverableType.Schema, deliverableSchema: """{"required":["a"]}""");
        var order = await pair.CreatePaidOrderAsync();
        await File.WriteAllTextAsync(_folder.File("value.json"), """{ "a": [1] }""");
        await File.WriteAllTextAsync(_folder.File("broken.json"), "{");

        var (code, _, error) = await RunToEndAsync(pair.Provider, "deliver", order.OrderId, "--schema-file", _folder.File("broken.json"));
        await RunAsync(pair.Provider, "deliver", order.OrderId, "--schema-file", _folder.File("value.json"));

        code.Should().Be(ExitCode.Usage);
        error.Should().Contain("--schema-file");
        (await pair.Requester.Client.GetDeliveryAsync(order.OrderId)).DeliverableSchema!.Value.GetProperty("a").GetArrayLength().Should().Be(1);
    }

    [Fact]
    public async Task A_file_that_is_not_in_the_delivery_is_not_downloaded_for_it()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CompleteOrderAsync();

        var (code, _, error) = await RunToEndAsync(pair.Requester, "files", "download", "obj_000000000000000000000", "--order", order.OrderId, "--output", _folder.File("x"));

        code.Should().Be(ExitCode.Failure);
        error.Should().Contain("obj_000000000000000000000");
        Directory.GetFiles(_folder.Path).Should().BeEmpty();
    }

    private async Task<string> RunAsync(Party party, params string[] line)
    {
        var (code, output, error) = await RunToEndAsync(party, line);
        code.Should().Be(ExitCode.Ok, error);
        return output;
    }

    private async Task<(int Code, string Output, string Error)> RunToEndAsync(Party party, params string[] line)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await CapVaultCli.RunAsync([.. line, "--json", "--api", sandbox.Relayer.Url, "--key", party.Key], output, error);
        return (code, output.ToString(), error.ToString());
    }
}
