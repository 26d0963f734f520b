using System.Numerics;
using CapVault.Contracts.AgentAccount.ContractDefinition;
using CapVault.Contracts.SandboxToken.ContractDefinition;
using Nethereum.Contracts;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>Transactions that come before the relayer's in the same block, because they tip more. The relayer tips 1 gwei.</summary>
internal static class FrontRunning
{
    private static readonly BigInteger Tip = 5_000_000_000;

    /// <summary>The person behind an account takes all USDC out of it.</summary>
    public static async Task WithdrawAllAsync(this SandboxChain chain, string account) => await chain.OwnerCallsAsync(
        account, chain.Deployment.Usdc, new TransferFunction { To = TestKeys.Human.GetPublicAddress(), Value = await chain.UsdcOfAsync(account) });

    /// <summary>The person behind an account makes a call with it.</summary>
    public static Task OwnerCallsAsync<T>(this SandboxChain chain, string account, string target, T call)
        where T : FunctionMessage, new() =>
        chain.SendFirstAsync(TestKeys.Human, account, new ExecuteFunction { Calls = [new Call { Target = target, Value = 0, Data = call.GetCallData() }] });

    /// <summary>Sends without waiting for a block.</summary>
    public static Task<string> SendFirstAsync<T>(this SandboxChain chain, EthECKey from, string to, T call)
        where T : FunctionMessage, new()
    {
        call.MaxPriorityFeePerGas = Tip;
        call.MaxFeePerGas = Tip * 4;
        call.Gas = 600_000; // the vault wants 320 000 before it pushes money
        return chain.As(from).Eth.GetContractTransactionHandler<T>().SendRequestAsync(to, call);
    }
}
