using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.IntegrationTests;

/// <summary>Files as a part of deliveries: what is hashed, and who gets them when.</summary>
public sealed class DeliveredFilesTests(Sandbox sandbox) : IClassFixture<Sandbox>, IDisposable
{
    private readonly ObjectApi _objects = new(sandbox);

    public void Dispose() => _objects.Dispose();

    [Fact]
    public async Task CR25_The_manifest_on_chain_has_the_hash_of_the_uploaded_bytes()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreatePaidOrderAsync();
        var content = RandomNumberGenerator.GetBytes(5 * 1024 * 1024);
        var local = DeliverableHash.Keccak256(content).ToHex(prefix: true);

        var objectKey = await pair.Provider.Client.UploadFileAsync("report.pdf", new MemoryStream(content));
        var delivered = await pair.Provider.Client.DeliverOrderAsync(
            order.OrderId, new() { DeliverableType = DeliverableType.Text, DeliverableText = "See the report.", Files = [objectKey] });
        var delivery = await pair.Requester.Client.GetDeliveryAsync(order.OrderId);

        delivery.Should().BeEquivalentTo(new { HashVerified = true, HashScheme = HashScheme.Manifest, DeliverableText = "See the report.", DeliverableSchema = (JsonElement?)null });
        var file = delivery.Manifest!.Files.Should().ContainSingle().Which;
        file.Should().BeEquivalentTo(new { ObjectKey = objectKey, Name = "report.pdf", Size = (long)content.Length, ContentType = "application/pdf", Keccak256 = local });
        // What cast makes of the canonical bytes is what the vault has.
        var canonical = $$"""{"files":[{"contentType":"application/pdf","keccak256":"{{local}}","name":"report.pdf","objectKey":"{{objectKey}}","size":5242880}],"text":"See the report.","version":1}""";
        var expected = (await Repository.RunAsync(Repository.Tool("cast"), ["keccak", canonical])).Trim();
        delivered.ContentHash.Should().Be(expected);
        (await sandbox.Chain.Vault.IsDeliveredQueryAsync(order.ChainOrderId.HexToByteArray(), expected.HexToByteArray())).Should().BeTrue();

        var copy = new MemoryStream();
        await pair.Requester.Client.DownloadFileAsync(file, copy);
        copy.ToArray().Should().Equal(content);
    }

    [Fact]
    public async Task Files_can_be_all_that_is_delivered_and_a_repeat_is_the_same_delivery()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreatePaidOrderAsync();
        var one = await pair.Provider.Client.UploadFileAsync("1.txt", new MemoryStream("one"u8.ToArray()));
        var two = await pair.Provider.Client.UploadFileAsync("2.txt", new MemoryStream("two"u8.ToArray()));
        var request = new DeliverOrderRequest { DeliverableType = DeliverableType.Text, Files = [two, one] };

        var first = await pair.Provider.Client.DeliverOrderAsync(order.OrderId, request);
        var again = await pair.Provider.Client.DeliverOrderAsync(order.OrderId, request);
        var otherOrder = await pair.Provider.Client.Invoking(client => client.DeliverOrderAsync(order.OrderId, request with { Files = [one, two] })).Should().ThrowAsync<CapApiException>();

        again.Should().BeEquivalentTo(new { first.TxHash, first.ContentHash });
        otherOrder.Which.Code.Should().Be(ErrorCodes.AlreadyDelivered);
        var delivery = await pair.Requester.Client.GetDeliveryAsync(order.OrderId);
        delivery.HashVerified.Should().BeTrue();
        delivery.DeliverableText.Should().BeNull();
        delivery.Manifest!.Files.Select(file => file.Name).Should().Equal("2.txt", "1.txt");
    }

    [Fact]
    public async Task A_client_that_did_not_upload_delivers_what_was_recorded()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreatePaidOrderAsync();
        var objectKey = await pair.Provider.Client.UploadFileAsync("a.txt", new MemoryStream("kept"u8.ToArray()));
        using var restarted = new AgentClient(sandbox.Config, pair.Provider.Key);

        await restarted.DeliverOrderAsync(order.OrderId, new() { DeliverableType = DeliverableType.Text, DeliverableText = "x", Files = [objectKey] });

        (await pair.Requester.Client.GetDeliveryAsync(order.OrderId)).HashVerified.Should().BeTrue();
    }

    [Theory]
    [InlineData("text")]
    [InlineData("schema")]
    public async Task An_object_that_the_content_only_names_comes_with_the_delivery(string type)
    {
        var pair = await sandbox.NewPairAsync(deliverableType: DeliverableType.Parse(type));
        var order = await pair.CreatePaidOrderAsync();
        var named = await _objects.UploadAsync(pair.Provider, "named"u8.ToArray());
        var unnamed = await _objects.UploadAsync(pair.Provider, "not named"u8.ToArray());
        var request = type == "text"
            ? Pair.Text($"The result is at (obj_{named.ObjectKey}), and obj_too_short.")
            : new DeliverOrderRequest
            {
                DeliverableType = DeliverableType.Schema,
                DeliverableSchema = JsonSerializer.SerializeToElement(new { results = new[] { new { key = named.ObjectKey } }, unnamedKey = unnamed.ObjectKey.Length }),
            };

        (await _objects.AskDownloadAsync(pair.Requester.Key, named.ObjectKey)).Code.Should().Be(ErrorCodes.ObjectNotFound, "nothing is delivered yet");
        await pair.Provider.Client.DeliverOrderAsync(order.OrderId, request);

        var copy = new MemoryStream();
        (await pair.Requester.Client.DownloadFileAsync(named.ObjectKey, copy)).Should().Be(named);
        copy.ToArray().Should().Equal("named"u8.ToArray());
        (await _objects.AskDownloadAsync(pair.Requester.Key, unnamed.ObjectKey)).Code.Should().Be(ErrorCodes.ObjectNotFound);
        (await pair.Requester.Client.GetDeliveryAsync(order.OrderId)).Should().BeEquivalentTo(new { HashVerified = true, Manifest = (DeliveryManifest?)null, HashScheme = HashScheme.Parse(type.ToUpperInvariant()) });
    }

    [Fact]
    public async Task Only_the_Requester_of_that_order_gets_it_and_only_once_it_is_on_chain()
    {
        var pair = await sandbox.NewPairAsync();
        var other = await sandbox.NewAgentAsync("requester"); // of another order of the same Provider
        await sandbox.Setup.FaucetAsync(other.Wallet, "10.00");
        await sandbox.Setup.LiftLimitsAsync(other.Agent);
        var otherOrder = await new Pair(other, pair.Provider, pair.Service).CreatePaidOrderAsync();
        var order = await pair.CreatePaidOrderAsync();
        var objectKey = await pair.Provider.Client.UploadFileAsync("a.txt", new MemoryStream("for one"u8.ToArray()));
        await using (await sandbox.Chain.Node.StopMiningAsync())
        {
            var submitted = await sandbox.Api.PostAsync(
                pair.Provider.Key, $"orders/{order.OrderId}/deliver", $$"""{"deliverableType":"text","deliverableText":"x","files":["{{objectKey}}"]}""");
            submitted.Status.Should().Be(HttpStatusCode.Accepted, submitted.Body);
            await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
            (await _objects.AskDownloadAsync(pair.Requester.Key, objectKey)).Code.Should().Be(ErrorCodes.ObjectNotFound, "it is only submitted");
        }

        await pair.Provider.Client.DeliverOrderAsync(order.OrderId, new() { DeliverableType = DeliverableType.Text, DeliverableText = "x", Files = [objectKey] });
        (await _objects.AskDownloadAsync(pair.Requester.Key, objectKey)).Status.Should().Be(HttpStatusCode.OK);
        (await _objects.AskDownloadAsync(other.Key, objectKey)).Code.Should().Be(ErrorCodes.ObjectNotFound);
        await pair.Provider.Client.DeliverOrderAsync(otherOrder.OrderId, Pair.Text("without files"));
        (await _objects.AskDownloadAsync(other.Key, objectKey)).Code.Should().Be(ErrorCodes.ObjectNotFound);
    }

    [Fact]
    public async Task What_was_submitted_but_did_not_get_on_chain_gives_nothing()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreatePaidOrderAsync();
        var first = await pair.Provider.Client.UploadFileAsync("draft.txt", new MemoryStream("a draft"u8.ToArray()));
        await using (await sandbox.Chain.Node.StopMiningAsync())
        {
            var delivering = pair.Provider.Client.DeliverOrderAsync(order.OrderId, new() { DeliverableType = DeliverableType.Text, DeliverableText = "draft", Files = [first] });
            await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
            await using (await sandbox.Chain.BreakAsync(sandbox.Chain.Deployment.Vault))
            {
                await sandbox.Chain.Node.MineAsync();
            }

            (await delivering.Invoking(task => task).Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be(ErrorCodes.DeliverReverted);
        }

        await pair.DeliverAsync(order.OrderId, "final");

        (await _objects.AskDownloadAsync(pair.Requester.Key, first)).Code.Should().Be(ErrorCodes.ObjectNotFound);
        (await pair.Requester.Client.GetDeliveryAsync(order.OrderId)).DeliverableText.Should().Be("final");
    }

    [Fact]
    public async Task Naming_another_agents_object_gives_nothing_and_tells_nothing()
    {
        var pair = await sandbox.NewPairAsync();
        var victim = await sandbox.NewAgentAsync("victim");
        var secret = await _objects.UploadAsync(victim, "secret"u8.ToArray());
        var order = await pair.CreatePaidOrderAsync();
        var before = await sandbox.CountRowsAsync();

        var known = await DeliverAsync(pair, order, secret.ObjectKey);
        var unknown = await DeliverAsync(pair, order, "obj_000000000000000000000");

        known.Status.Should().Be(HttpStatusCode.NotFound);
        known.Code.Should().Be(ErrorCodes.ObjectNotFound);
        known.Message.Replace(secret.ObjectKey, "obj_000000000000000000000", StringComparison.Ordinal).Should().Be(unknown.Message);
        (await sandbox.CountRowsAsync()).Should().Equal(before);
        await pair.DeliverAsync(order.OrderId, $"Take {secret.ObjectKey}.");
        (await _objects.AskDownloadAsync(pair.Requester.Key, secret.ObjectKey)).Code.Should().Be(ErrorCodes.ObjectNotFound);
        (await _objects.AskDownloadAsync(pair.Provider.Key, secret.ObjectKey)).Code.Should().Be(ErrorCodes.ObjectNotFound);
    }

    [Fact]
    public async Task Files_that_cannot_be_delivered_are_refused_before_anything_is_kept()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreatePaidOrderAsync();
        var pending = await _objects.UploadLinkAsync(pair.Provider);
        var stored = await _objects.UploadAsync(pair.Provider, [1]);
        var before = await sandbox.CountRowsAsync();

        (await DeliverAsync(pair, order, pending.ObjectKey)).Code.Should().Be(ErrorCodes.InvalidState);
        (await DeliverAsync(pair, order, stored.ObjectKey, stored.ObjectKey)).Detail("field").GetString().Should().Be("files");
        (await DeliverAsync(pair, order, [.. Enumerable.Range(0, 101).Select(i => $"obj_{i:000000000000000000000}")])).Detail("field").GetString().Should().Be("files");
        (await DeliverAsync(pair, order, [null!])).Detail("field").GetString().Should().Be("files");
        var notAList = await sandbox.Api.PostAsync(pair.Provider.Key, $"orders/{order.OrderId}/deliver", """{"deliverableType":"text","deliverableText":"x","files":"obj_"}""");
        notAList.Code.Should().Be(ErrorCodes.ValidationError);
        var empty = await sandbox.Api.PostAsync(pair.Provider.Key, $"orders/{order.OrderId}/deliver", """{"deliverableType":"text","files":[]}""");
        empty.Code.Should().Be(ErrorCodes.MissingRequiredField);

        (await sandbox.CountRowsAsync()).Should().Equal(before);
    }

    private Task<RawAnswer> DeliverAsync(Pair pair, Order order, params string[] files) => sandbox.Api.PostAsync(
        pair.Provider.Key, $"orders/{order.OrderId}/deliver", JsonSerializer.Serialize(new { deliverableType = "text", deliverableText = "x", files }));
}
