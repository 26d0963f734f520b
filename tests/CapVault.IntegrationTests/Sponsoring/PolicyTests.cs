using System.Net;
using CapVault.Relayer;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>Orders are sponsored, and an Owner's limits; nothing else is.</summary>
public sealed class ClosedSandbox() : PolicySandbox(
    """
    {
      "calls": [
        {"to": "vault", "functions": ["*"]},
        {"to": "usdc", "functions": ["approve(address,uint256)"]},
        {"to": "account", "functions": ["setLimits(address,uint80,uint80)"]}
      ],
      "accountCode": [],
      "budgets": {"global": "10", "perOwner": "10", "newOwner": "10", "perAgent": "10", "perKey": "1", "topUps": "100"}
    }
    """);

/// <summary>What the policy names, what it does not, and a policy that is wrong.</summary>
public sealed class PolicyTests(ClosedSandbox sandbox) : IClassFixture<ClosedSandbox>
{
    [Fact]
    public async Task What_the_policy_does_not_name_is_denied()
    {
        var pair = await sandbox.NewPairAsync();
        (await pair.CompleteOrderAsync()).Status.Should().Be(OrderStatus.Completed, "all of that is named");
        await sandbox.QuietAsync();
        var before = await sandbox.CountRowsAsync();

        var answer = await sandbox.Api.PostAsync(
            sandbox.Relayer.OperatorKey, "ops/prepare", $$"""{"agentId":"{{pair.Requester.AgentId}}","action":"withdraw","to":"{{TestKeys.Stranger.GetPublicAddress()}}","amount":"1.00"}""");

        (answer.Status, answer.Code).Should().Be((HttpStatusCode.Forbidden, ErrorCodes.SponsorPolicyDenied), answer.Body);
        answer.Detail("to").GetString().Should().BeEquivalentTo(sandbox.Chain.Deployment.Usdc);
        answer.Detail("selector").GetString().Should().Be("0xa9059cbb");
        answer.Message.Should().Contain("sponsor policy");
        (await sandbox.Setup.Invoking(setup => setup.SetExecutorAsync(pair.Requester.AgentId, Spenders.OwnerOf(pair.Requester.Agent))).Should().ThrowAsync<CapApiException>())
            .Which.Code.Should().Be(ErrorCodes.SponsorPolicyDenied);
        (await sandbox.CountRowsAsync()).Should().Equal(before, "nothing was prepared");
    }

    /// <summary>Without a policy a relayer that is no sandbox sponsors nothing: a mistake must not cost money.</summary>
    [Fact]
    public async Task Without_a_policy_nothing_is_sponsored_but_in_a_sandbox()
    {
        await using var relayer = await RelayerServer.StartAsync(sandbox.Chain, "Sandbox=false");
        using var api = new RawApi(relayer.Url);

        var answer = await api.PostAsync(relayer.OperatorKey, "agents", $$"""{"name":"Agent","owner":"{{TestKeys.Human.GetPublicAddress()}}"}""");

        (answer.Status, answer.Code).Should().Be((HttpStatusCode.Forbidden, ErrorCodes.SponsorPolicyDenied));
        answer.Message.Should().Contain("CapVault__SponsorPolicyFile");
    }

    [Theory]
    [InlineData("{", "Path: $")]
    [InlineData("null", "Found null, expected a policy")]
    [InlineData("""{"opn":true}""", "opn")]
    [InlineData("""{"calls":[]}""", "budgets: found nothing, expected")]
    [InlineData("""{"budgets":{"global":"1"}}""", "budgets.perOwner: found nothing, expected ETH")]
    [InlineData("""{"open":true,"budgets":{"global":"1e3"}}""", "budgets.global: found \"1e3\", expected ETH")]
    [InlineData("""{"open":true,"budgets":{"global":"-1"}}""", "budgets.global: found \"-1\", expected ETH")]
    [InlineData("""{"open":true,"budgets":{"topUps":"0.0000000001"}}""", "budgets.topUps: found \"0.0000000001\", expected ETH")]
    [InlineData("""{"open":true,"caps":{"callGas":0}}""", "caps.callGas: found 0, expected 1 – 15000000")]
    [InlineData("""{"open":true,"accountCode":["0x12"]}""", "open: found true beside calls, accountCode or factories")]
    [InlineData("""{"accountCode":["0x12"]}""", "accountCode[0]: found \"0x12\", expected the keccak256 of an account's code: 0x and 64 hex digits")]
    [InlineData("""{"calls":[{"to":"valt","functions":["*"]}]}""", "calls[0].to: found \"valt\", expected an address, vault, usdc or account")]
    [InlineData("""{"calls":[{"to":"vault","functions":["transfer"]}]}""", "calls[0].functions[0]: found \"transfer\", expected a selector")]
    public async Task A_wrong_policy_stops_the_start(string policy, string says)
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("policy.json"), policy);
        var start = () => RelayerHost.BuildAsync(
            RelayerSettings.Arguments(sandbox.Chain, folder.Path, "http://127.0.0.1:0", "None", [$"SponsorPolicyFile={folder.File("policy.json")}"]), CancellationToken.None);

        (await start.Should().ThrowAsync<InvalidOperationException>()).Which.Message.Should().StartWith("SponsorPolicyFile ").And.Contain(says);
    }
}
